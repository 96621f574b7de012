//! The lab's reports as tables and as comma-separated values.

use crate::{fields::spelled, output};
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use wgrad::op::{Call, setting, sizes};
use wgrad_lab::{
    Listing,
    backends::{Language, Translated},
    row::{Relative, Row, Status},
    stats::Statistics,
};
use wgrad_report::table::{
    Align::{self, Left, Right, Wrap},
    Table,
};

/// Formats seconds in s, ms or µs.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.3} ms", s * 1e3),
        s => format!("{:.2} µs", s * 1e6),
    }
}

fn or_nothing(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map(show).unwrap_or_default()
}

/// First cell of a row: what is wrong, and what runs by default.
fn marker(status: Status, default: bool) -> String {
    match (status, default) {
        (Status::Wrong, _) => "✗",
        (_, true) => "→",
        _ => "",
    }
    .to_string()
}

/// Heading of a table: operation, sizes and activation of the call.
fn heading(call: &Call) -> String {
    let activation = if call.op.activated() { format!(", {}", call.activation.name) } else { String::new() };
    format!("{} at {}{activation}", call.op.name, sizes::words(call))
}

/// Column before which speeds relative to others stand.
const SPEEDS: usize = 4;
/// Column before which the share of the arithmetic peak stands that a kernel's instructions allow: after the measured one.
const ALLOWED: usize = 9;

/// Table of the rows of one call. With several adapters, a column names the adapter.
pub fn rows(call: &Call, rows: &[&Row], several: bool) -> String {
    let mut columns: Vec<(&str, Align)> = vec![
        ("", Left),
        ("variant", Left),
        ("rank", Right),
        ("median", Right),
        ("min", Right),
        ("max", Right),
        ("GFLOP/s", Right),
        ("GB/s", Right),
        ("of fma", Right),
        ("of mem", Right),
        ("compile", Right),
        ("error", Right),
    ];
    let counted = rows.iter().any(|row| row.per_fma.is_some());
    if counted {
        columns.splice(ALLOWED..ALLOWED, [("allowed", Right), ("per FMA", Right)]);
    }
    let speeds: Vec<_> =
        Relative::ALL.into_iter().filter(|speed| rows.iter().any(|row| speed.tells(row))).collect();
    for speed in speeds.iter().rev() {
        columns.insert(SPEEDS, (speed.name(), Right));
    }
    if several {
        columns.insert(1, ("adapter", Wrap));
    }
    let mut table = Table::new(&columns);
    for row in rows {
        let share = |share: f64| format!("{:.0} %", 100.0 * share);
        let mut cells = vec![
            marker(row.status, row.default),
            row.variant.to_string(),
            row.rank.map(|rank| format!("{rank}{}", if row.tied { "=" } else { "" })).unwrap_or_default(),
            match row.status {
                Status::Ok => or_nothing(row.seconds, time),
                Status::Wrong => "WRONG".to_string(),
                Status::Skipped => "skipped".to_string(),
            },
            or_nothing(row.seconds_min, time),
            or_nothing(row.seconds_max, time),
            or_nothing(row.gflops, |rate| format!("{rate:.2}")),
            or_nothing(row.gbps, |rate| format!("{rate:.2}")),
            or_nothing(row.share_of_fma, share),
            or_nothing(row.share_of_copy, share),
            or_nothing(row.compile_seconds, time),
            or_nothing(row.error_share, share),
        ];
        if counted {
            let per_fma = or_nothing(row.per_fma, |per| format!("{per:.2}"));
            cells.splice(ALLOWED..ALLOWED, [or_nothing(row.of_fma_peak, share), per_fma]);
        }
        for speed in speeds.iter().rev() {
            cells.insert(SPEEDS, speed.of(row).map(|speed| speed.to_string()).unwrap_or_default());
        }
        if several {
            cells.insert(1, format!("{} ({})", row.adapter, row.backend));
        }
        match row.status {
            Status::Wrong => table.alarm(cells),
            _ => table.row(cells),
        }
    }
    let clock = rows.iter().find_map(|row| row.clock).map(|clock| format!(", {clock}")).unwrap_or_default();
    let mut text = format!("{}{clock}\n{table}", heading(call));
    let references = rows.iter().filter_map(|row| row.reference.as_ref()).collect::<BTreeSet<_>>();
    references.iter().for_each(|reference| text.push_str(&format!("\nreference: {reference}")));
    let mut reported: Vec<(&str, String)> = Vec::new();
    for row in rows {
        let said = |row: &Row| match (row.status, row.reason.clone(), row.limit.clone()) {
            (Status::Wrong, Some(reason), _) => Some(("WRONG", reason)),
            (_, Some(reason), _) => Some(("skipped", reason)),
            (_, None, limit) => limit.map(|limit| ("note", limit)),
        };
        let Some((word, words)) = said(row) else { continue };
        // Settings that share a reason share a line.
        if !reported.contains(&(word, words.clone())) {
            let same =
                rows.iter().filter(|other| said(other).is_some_and(|(w, s)| (w, &s) == (word, &words)));
            let names: Vec<_> = same.map(|row| row.variant.as_str()).collect();
            text.push_str(&format!("\n{word}: {}: {}", names.join(", "), words.trim_end()));
            reported.push((word, words));
        }
    }
    text
}

/// What a driver made of the variants of one call. With several adapters each has a column that names it.
pub fn statistics(call: &Call, rows: &[&Statistics], several: bool) -> String {
    let mut columns: Vec<(&str, Align)> = vec![
        ("", Left),
        ("variant", Left),
        ("registers", Right),
        ("spills", Right),
        ("workgroup memory", Right),
        ("occupancy", Right),
        ("lanes", Right),
        ("instructions", Right),
        ("bytes", Right),
        ("per FMA", Right),
        ("of FMA peak", Right),
    ];
    if several {
        columns.insert(1, ("adapter", Wrap));
    }
    let mut table = Table::new(&columns);
    for row in rows {
        let count = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut cells = vec![
            marker(row.status, row.default),
            row.variant.to_string(),
            match row.status {
                Status::Ok => count(row.registers),
                Status::Wrong => "FAILED".to_string(),
                Status::Skipped => "skipped".to_string(),
            },
            count(row.spills),
            row.workgroup_bytes
                .filter(|_| row.status == Status::Ok)
                .map(|b| format!("{b} B"))
                .unwrap_or_default(),
            match (row.occupancy, row.occupancy_unit) {
                (Some(count), Some(unit)) => format!("{count} {unit}"),
                _ => String::new(),
            },
            row.subgroup.map(|lanes| lanes.to_string()).unwrap_or_default(),
            count(row.instructions),
            count(row.code_bytes),
            or_nothing(row.per_fma, |per| format!("{per:.2}")),
            or_nothing(row.of_fma_peak, |share| format!("{:.0} %", 100.0 * share)),
        ];
        if several {
            cells.insert(1, format!("{} ({})", row.adapter, row.driver));
        }
        match row.status {
            Status::Wrong => table.alarm(cells),
            _ => table.row(cells),
        }
    }
    let mut text = format!("{}\n{table}", heading(call));
    for row in rows {
        let word = if row.status == Status::Wrong { "FAILED" } else { "skipped" };
        if let Some(reason) = &row.reason {
            text.push_str(&format!("\n{word}: {}: {}", row.variant, reason.trim_end()));
        }
    }
    text
}

/// Table of all variants, grouped by operation.
pub fn listing(listings: &[Listing]) -> String {
    let mut table = Table::new(&[
        ("operation", Left),
        ("", Left),
        ("variant", Left),
        ("needs", Wrap),
        ("constants", Wrap),
        ("default for", Left),
        ("here", Wrap),
    ]);
    let mut last = "";
    for row in listings {
        let sizes = if row.op == last { String::new() } else { row.sizes.clone() };
        table.row([
            if row.op == last { String::new() } else { row.op.to_string() },
            if row.default_here { "→" } else { "" }.to_string(),
            row.variant.to_string(),
            row.needs.join(", "),
            setting::words(&row.constants),
            row.default_for.join(", "),
            match &row.reason {
                Some(reason) => format!("no: {}", spelled(reason)),
                None if sizes.is_empty() => "yes".to_string(),
                None => format!("yes, at {sizes}"),
            },
        ]);
        last = row.op;
    }
    table.to_string()
}

/// Table with one row per variant and one column per language.
pub fn translations(translations: &[Translated]) -> String {
    let mut columns = vec![("variant".to_string(), Left)];
    columns.extend(Language::ALL.iter().map(|language| (language.to_string(), Right)));
    let mut table = Table::new(&columns);
    for of_variant in translations.chunks(Language::ALL.len()) {
        let Some(first) = of_variant.first() else { continue };
        let mut cells = vec![format!("{}/{}", first.op, first.variant)];
        cells.extend(of_variant.iter().map(|row| match (row.status, row.bytes) {
            (Status::Ok, Some(bytes)) => format!("{bytes} B"),
            (Status::Wrong, _) => "ERROR".to_string(),
            _ => "–".to_string(),
        }));
        if of_variant.iter().any(|row| row.status == Status::Wrong) {
            table.alarm(cells);
        } else {
            table.row(cells);
        }
    }
    table.to_string()
}

/// Prints comma-separated values: the fields of the JSON objects, quoted where necessary.
pub fn csv(rows: &[impl Serialize], header: bool) -> Result<()> {
    for (n, row) in rows.iter().enumerate() {
        let value = serde_json::to_value(row).context("cannot write as CSV")?;
        let fields = value.as_object().context("cannot write as CSV: a row is no object")?;
        if header && n == 0 {
            output::line(fields.keys().map(String::as_str).collect::<Vec<_>>().join(","))?;
        }
        let cells: Vec<String> = fields.values().map(cell).collect();
        output::line(cells.join(","))?;
    }
    Ok(())
}

fn cell(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
