//! Results of tuning as tables and as lines of JSON.

use super::folder;
use crate::output;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;
use wgrad::{gpu::Context, op::sizes};
use wgrad_lab::tune::{
    Gain, Outcome, State,
    cache::{Cache, Entry, Place},
};
use wgrad_report::table::{
    Align::{Left, Right, Wrap},
    Table,
};

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
