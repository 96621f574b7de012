//! Proof of a user's file in a separate process, before the lab measures it. A kernel that hangs can be ended there in
//! spite of the driver, and takes no processor time from later measurements. One that crashes the driver crashes
//! nothing else.

use super::Lab;
use crate::{invoked, output};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use wgrad::{
    compare::Mismatch,
    gpu::{AdapterChoice, Context, Preparing},
    op::{Call, Variant, sizes, user_file},
};
use wgrad_lab::request::Refusal;

/// Number of time-outs for which a process may be silent before it counts as stuck.
const PATIENCE: f64 = 8.0;
/// Seconds on top of them, for the twin's work and the process's own.
const SPARE: f64 = 60.0;
/// Seconds for which it may be silent while the driver compiles a kernel.
const COMPILING: f64 = 900.0;

/// A proof in another process.
pub struct Trial<'a> {
    /// Options of the command.
    pub lab: &'a Lab,
    /// Call to prove.
    pub call: &'a Call,
    /// Adapter that runs the proof.
    pub adapter: &'a AdapterChoice,
    /// Time-out of a submission, in seconds.
    pub timeout: f64,
}

impl Trial<'_> {
    /// Runs the proof of `variant`; returns `None` if nothing is wrong with it.
    pub fn run(&self, variant: &Variant) -> Result<Option<Refusal>> {
        let mut command = invoked::again()?;
        let op = self.call.op.folder().unwrap_or(self.call.op.name);
        command.args(["lab", op, "--apart", "--json", "--seconds", "0"]);
        let which = if user_file::is_file(variant.name()) { "--file" } else { "--variant" };
        command.args([OsStr::new(which), OsStr::new(variant.name())]);
        let sizes = sizes::words(self.call);
        if !sizes.is_empty() {
            command.args(["--size", &sizes]);
        }
        command.args(["--adapter", &self.adapter.to_string()]);
        command.args(["--timeout", &self.timeout.to_string(), "--seed", &self.lab.seed.to_string()]);
        if let Some(cases) = self.lab.cases() {
            command.args(["--cases", &cases.to_string()]);
        }
        if self.call.op.activated() {
            command.args(["--activation", self.call.activation.name]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.context("cannot start a process for the proof")?;
        let answer = self.answer(&mut child);
        // The process has given its answer; if a kernel hangs, it may not end by itself.
        let ended = match &answer {
            Some(row) if row["status"] != "wrong" => child.wait(),
            _ => child.kill().and_then(|()| child.wait()),
        };
        let ended = ended.context("cannot end the process of the proof")?;
        let Some(row) = answer else {
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                // Any output that can be read helps; the rest is lost with the process.
                let _lost = stderr.read_to_string(&mut said);
            }
            let last = said.lines().last().unwrap_or_default();
            let reason = match (ended.code(), last.strip_prefix("error: ")) {
                (Some(2), Some(error)) => error.to_string(),
                _ => format!("the process of its proof gave no answer ({ended}): {last}"),
            };
            return Ok(Some(Refusal { reason, worst: None }));
        };
        if row["status"] != "wrong" {
            return Ok(None);
        }
        Ok(Some(Refusal {
            reason: row["reason"].as_str().unwrap_or("wrong").to_string(),
            worst: worst(&row),
        }))
    }

    /// Row that the process prints; `None` if it ends or is stuck without one. The process announces when the driver
    /// compiles, which may take longer than the time-out of a kernel.
    fn answer(&self, child: &mut Child) -> Option<Value> {
        let stdout = child.stdout.take()?;
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The receiver is gone: no further line is needed.
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let running = SPARE + PATIENCE * self.timeout;
        let mut patience = running;
        loop {
            let line = receive.recv_timeout(Duration::from_secs_f64(patience)).ok()?;
            let said: Value = serde_json::from_str(&line).ok()?;
            match said["compiling"].as_bool() {
                Some(true) => patience = running.max(COMPILING),
                Some(false) => patience = running,
                None => return Some(said),
            }
        }
    }
}

/// Announces on stdout when the driver compiles and when a kernel runs; for the process of a proof.
pub fn say_when_compiling(context: &Context) {
    context.hear(|what| {
        if let Preparing::Trying { compiled, .. } = what {
            // The process that waits for the row sees that this one is gone.
            let _gone = output::json(&json!({ "compiling": !compiled }));
        }
    });
}

/// Worst element of a row. JSON has no NaN: null stands for it.
fn worst(row: &Value) -> Option<Mismatch> {
    let worst = row["worst"].as_object()?;
    let number = |key: &str| worst.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let count = |key: &str| worst.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    let at = |place: &Value| place.as_u64().map(|at| at as usize);
    Some(Mismatch {
        buffer: worst.get("buffer")?.as_str()?.to_string(),
        index: count("index"),
        place: worst["place"].as_array().into_iter().flatten().filter_map(at).collect(),
        got: number("got"),
        expected: number("expected"),
        allowed: number("allowed"),
        count: count("count"),
        of: count("of"),
    })
}
