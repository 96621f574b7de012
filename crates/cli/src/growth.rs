//! Output of `wgrad bench --growth`, which measures how the time of a step grows with batch and width.
//! `wgrad_lab::growth` does the work.

use super::{fields::spelled, lab::print, output};
use anyhow::Result;
use serde::Serialize;
use wgrad::words::{bar, commas, si};
use wgrad_lab::{
    growth::{Cell, Fit, Growth},
    measurement::Conditions,
};
use wgrad_report::table::{
    Align::{Left, Right},
    Table,
};

/// A line of `--json` or `--csv`.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    network: &'a str,
    #[serde(flatten)]
    what: &'a T,
    adapter: &'a str,
    backend: &'a str,
    driver: &'a str,
    version: &'a str,
}

fn line<'a, T>(kind: &'static str, what: &'a T, conditions: &'a Conditions) -> Line<'a, T> {
    let Conditions { network, adapter, backend, driver, version, .. } = conditions;
    Line { kind, network, what, adapter, backend, driver, version }
}

/// Prints one network: a JSON object per size and per fit, a CSV row per size, or a table.
pub fn print(growth: &Growth, json: bool, csv: bool, first: bool) -> Result<()> {
    let Growth { conditions, cells, fits } = growth;
    if csv {
        let rows: Vec<_> = cells.iter().map(|cell| line("size", cell, conditions)).collect();
        return print::csv(&rows, first);
    }
    if json {
        cells.iter().try_for_each(|cell| output::json(&line("size", cell, conditions)))?;
        return fits.iter().try_for_each(|fit| output::json(&line("fit", fit, conditions)));
    }
    let gap = if first { "" } else { "\n" };
    output::line(format!("{gap}{}\n{}", conditions.network, table(cells)))?;
    fits.iter().try_for_each(|fit| output::line(words(fit)))
}

fn table(cells: &[Cell]) -> Table {
    let mut table = Table::new(&[
        ("width", Right),
        ("batch", Right),
        ("parameters", Right),
        ("GFLOP per step", Right),
        ("a step", Right),
        ("min", Right),
        ("max", Right),
        ("images/s", Right),
        ("GFLOP/s", Right),
        ("of the best", Right),
        ("", Left),
    ]);
    let time = |seconds: Option<f64>| seconds.map(print::time).unwrap_or_default();
    for cell in cells {
        table.row([
            format!("×{}", cell.width),
            cell.batch.to_string(),
            si(cell.parameters as f64),
            format!("{:.4}", cell.gflop),
            time(cell.seconds),
            time(cell.seconds_min),
            time(cell.seconds_max),
            cell.images_per_second.map(|rate| commas(rate.round() as u64)).unwrap_or_default(),
            cell.gflops.map(|rate| format!("{rate:.2}")).unwrap_or_default(),
            cell.share_of_best.map(|share| format!("{:.0} %", 100.0 * share)).unwrap_or_default(),
            match (&cell.skipped, cell.share_of_best) {
                (Some(reason), None) => format!("skipped: {}", spelled(reason)),
                (_, share) => bar(share.unwrap_or(0.0), 12),
            },
        ]);
    }
    table
}

fn words(fit: &Fit) -> String {
    let signed =
        |seconds: f64| format!("{}{}", if seconds < 0.0 { "−" } else { "" }, print::time(seconds.abs()));
    format!(
        "width ×{}: a step has a fixed cost of {} ({} to {} in {} rounds), and beyond it {:.1} GFLOP/s; {} batches lie \
         within {:.0} % of that line",
        fit.width,
        signed(fit.fixed_seconds),
        signed(fit.fixed_seconds_min),
        signed(fit.fixed_seconds_max),
        fit.fits,
        fit.gflops,
        fit.sizes,
        100.0 * fit.misfit
    )
}
