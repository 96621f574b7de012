//! Results of tuning as tables and as lines of JSON.

use super::folder;
use crate::output;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;
use wgrad::{
    gpu::{AdapterRecord, Context},
    op::sizes,
};
use wgrad_lab::tune::{
    Gain, Outcome, State,
    cache::{Cache, Entry, Place},
};
use wgrad_report::table::{
    Align::{Left, Right, Wrap},
    Table,
};

/// An outcome as a line of JSON. Values that were not measured are null.
#[derive(Serialize)]
pub struct Line<'a> {
    op: &'a str,
    sizes: String,
    activation: &'a str,
    state: &'a str,
    reason: Option<&'a str>,
    default: &'a str,
    chosen: Option<&'a str>,
    gain: Option<Gain>,
    share: Option<f64>,
    wrong: Vec<Wrong<'a>>,
    adapter: &'a AdapterRecord,
    version: &'static str,
}

#[derive(Serialize)]
struct Wrong<'a> {
    variant: &'a str,
    reason: &'a str,
}

impl<'a> Line<'a> {
    /// The line of `outcome`.
    pub fn new(outcome: &'a Outcome, adapter: &'a AdapterRecord) -> Self {
        let (state, reason, decision) = match &outcome.state {
            State::Known(_) => ("known", None, None),
            State::Decided(decision) => ("decided", None, Some(decision)),
            State::LeftOut(reason) => ("left out", Some(reason.as_str()), None),
        };
        let wrong = decision.iter().flat_map(|decision| &decision.wrong);
        Self {
            op: outcome.call.op.name,
            sizes: sizes::words(&outcome.call),
            activation: outcome.call.activation.name,
            state,
            reason,
            default: &outcome.default,
            chosen: outcome.chosen(),
            gain: decision.and_then(|decision| decision.gain),
            share: outcome.share,
            wrong: wrong.map(|(variant, reason)| Wrong { variant, reason }).collect(),
            adapter,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn gain(gain: Option<Gain>) -> String {
    gain.map_or(String::new(), |Gain { ratio, low, high }| format!("{ratio:.2} ({low:.2} to {high:.2})"))
}

/// Table with one row per call. The share is the default's, of the time of all kernels in a training step.
pub fn table(outcomes: &[Outcome]) -> Table {
    let columns = [
        ("operation", Left),
        ("sizes", Wrap),
        ("default", Left),
        ("chosen", Left),
        ("times as fast", Left),
        ("of a step", Right),
    ];
    let mut table = Table::new(&columns);
    for outcome in outcomes {
        let call = &outcome.call;
        let activation =
            if call.op.activated() { format!(" {}", call.activation.name) } else { String::new() };
        let measured = match &outcome.state {
            State::Known(_) => "known already".to_string(),
            State::LeftOut(_) => "left out".to_string(),
            State::Decided(decision) => gain(decision.gain),
        };
        let cells = [
            call.op.name.to_string(),
            format!("{}{activation}", sizes::words(call)),
            outcome.default.to_string(),
            outcome.chosen().unwrap_or(&outcome.default).to_string(),
            measured,
            outcome.share.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share)),
        ];
        match &outcome.state {
            State::Decided(decision) if !decision.wrong.is_empty() => table.alarm(cells),
            _ => table.row(cells),
        }
    }
    table
}

/// An entry of the cache as a line of JSON.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    /// True if driver, wgpu, shaders and checks are the current ones.
    counts: bool,
}

/// Prints the choices for the adapter of `context`.
pub fn list(cache: &Cache, context: &Context, json: bool) -> Result<ExitCode> {
    let place = Place::of(context);
    let (entries, notes) = cache.list(&place)?;
    notes.iter().for_each(|note| tell!("note: {note}; `--clear` removes it"));
    let columns = [
        ("operation, sizes, activation", Wrap),
        ("default", Left),
        ("chosen", Left),
        ("times as fast", Left),
        ("date", Left),
        ("counts", Left),
    ];
    let mut table = Table::new(&columns);
    for entry in &entries {
        let counts = entry.key.place == place;
        if json {
            output::json(&Kept { entry, counts })?;
        }
        table.row([
            entry.key.call.as_str(),
            &entry.default,
            &entry.chosen,
            gain(entry.gain).as_str(),
            &entry.date,
            if counts { "yes" } else { "no: another driver, wgpu, shader text or check" },
        ]);
    }
    if !json {
        output::line(table)?;
    }
    tell!("{} choices for this adapter in {}", entries.len(), folder(cache));
    Ok(ExitCode::SUCCESS)
}
