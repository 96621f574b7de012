//! `wgrad lab OP --sweep`: selects the settings to try, and draws heat maps of their results.

use anyhow::{Result, bail};
use std::path::PathBuf;
use wgrad::op::{Op, Variant, setting, user_file};
use wgrad_lab::{
    row::{Row, Status},
    sweep::{Cell, Grid, grids},
};
use wgrad_report::table::{Align, Table};

/// Cases of the page at which each setting is proven, besides the given size: compiling takes most of the time.
pub const CASES: usize = 3;

/// Returns true if any variant of the page offers constants.
pub fn offers(op: &Op) -> bool {
    op.variants().iter().any(|variant| !setting::Setting::of(variant).0.is_empty())
}

/// Every setting of the named variants, or of all that offer constants; then those of the files. Constants that a name
/// itself sets stay.
pub fn variants(op: &'static Op, named: &[String], files: &[PathBuf]) -> Result<Vec<Variant>> {
    let mut variants = Vec::new();
    for name in named {
        let (base, given) = setting::split(name);
        variants.extend(setting::all(op, &op.find(base)?, given)?);
    }
    if named.is_empty() && files.is_empty() {
        for variant in op.variants().iter().filter(|v| !setting::Setting::of(v).0.is_empty()) {
            variants.extend(setting::all(op, variant, "")?);
        }
    }
    for path in files {
        let name = path.to_str().unwrap_or_default();
        let (file, given) = setting::split(name);
        let file = if name.is_empty() { path.clone() } else { PathBuf::from(file) };
        variants.extend(setting::all(op, &user_file::read(op, &file)?, given)?);
    }
    if variants.len() < 2 {
        bail!(
            "there is nothing to sweep: {} offers no constants; write `const ROWS = 4u; // one of 2, 4, 8` in your own \
             variant, or choose another operation from the list that `wgrad lab` prints",
            match (named, files) {
                ([], []) => format!("no variant of {}", op.name),
                _ => "the variant that you named".to_string(),
            }
        );
    }
    Ok(variants)
}

/// The heat maps of `rows`, one below the other; empty if nothing was timed or fewer than two constants vary.
pub fn heat_maps(rows: &[Row]) -> String {
    let maps = grids(rows).into_iter().filter(|grid| grid.range().is_some());
    let mut text: String = maps.map(|grid| format!("\n{}\n", heat_map(&grid))).collect();
    if !text.is_empty() {
        text.push_str("\n* fastest   – skipped   ✗ wrong");
    }
    text
}

fn heat_map(grid: &Grid) -> String {
    let Some((least, most)) = grid.range() else { return String::new() };
    let mut columns = vec![(grid.rows.name.clone(), Align::Right)];
    columns.extend(grid.columns.values.iter().map(|value| (value.clone(), Align::Right)));
    let mut table = Table::new(&columns);
    for (value, cells) in grid.rows.values.iter().zip(&grid.cells) {
        let mut shown = vec![(value.clone(), None)];
        shown.extend(cells.iter().map(|cell| {
            let share =
                cell.rate.map(|rate| if most > least { (rate - least) / (most - least) } else { 1.0 });
            (word(cell), share)
        }));
        table.shaded(shown);
    }
    let fixed: Vec<_> = grid.fixed.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let fixed = if fixed.is_empty() { String::new() } else { format!(", {}", fixed.join(", ")) };
    format!(
        "{}/{}: {} of {} (down) and {} (across){fixed}, {}\n{table}",
        grid.op, grid.variant, grid.unit, grid.rows.name, grid.columns.name, grid.adapter
    )
}

fn word(cell: &Cell) -> String {
    match (cell.status, cell.rate) {
        (Some(Status::Ok), Some(rate)) if cell.best => format!("{rate:.2} *"),
        (Some(Status::Ok), Some(rate)) => format!("{rate:.2}  "),
        (Some(Status::Wrong), _) => "✗  ".to_string(),
        (Some(Status::Skipped), _) => "–  ".to_string(),
        _ => String::new(),
    }
}
