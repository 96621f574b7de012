//! Results of a sweep over a variant's settings, two constants at a time: the data of a heat map, for a terminal or a
//! page.

use super::row::{Row, Status};
use serde::Serialize;
use wgrad::op::setting::{self, Setting};

/// A constant along one side of a grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Axis {
    /// The constant's name.
    pub name: String,
    /// Its values; numbers in ascending order.
    pub values: Vec<String>,
}

/// One setting of the two constants.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cell {
    /// Status of this setting; `None` if it was not tried.
    pub status: Option<Status>,
    /// Rate, in the grid's unit.
    pub rate: Option<f64>,
    /// Median seconds of a dispatch.
    pub seconds: Option<f64>,
    /// True if it is the fastest setting of its variant.
    pub best: bool,
}

/// A grid over two constants of a variant; the others are fixed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// The operation.
    pub op: String,
    /// The variant, without a setting.
    pub variant: String,
    /// Adapter on which it was measured.
    pub adapter: String,
    /// Back end of that adapter.
    pub backend: String,
    /// Sizes, in words.
    pub sizes: String,
    /// Unit of `rate`: `GFLOP/s` or `GB/s`.
    pub unit: &'static str,
    /// Constant of the rows, from top to bottom.
    pub rows: Axis,
    /// Constant of the columns, from left to right.
    pub columns: Axis,
    /// The other constants, at the values of the fastest setting.
    pub fixed: Setting,
    /// Cells, one list per row.
    pub cells: Vec<Vec<Cell>>,
}

impl Grid {
    /// Returns the least and the largest rate; `None` if nothing was timed.
    pub fn range(&self) -> Option<(f64, f64)> {
        let rates = self.cells.iter().flatten().filter_map(|cell| cell.rate);
        rates.fold(None, |range, rate| match range {
            None => Some((rate, rate)),
            Some((least, most)) => Some((rate.min(least), rate.max(most))),
        })
    }
}

/// Key that groups the settings of one variant at the same sizes on the same adapter.
fn key(row: &Row) -> [&str; 5] {
    [row.op, setting::split(&row.variant).0, &row.sizes, &row.adapter, &row.backend]
}

/// Returns the grids of all variants in `rows`. Each pair of constants that take several values makes one grid; the
/// other constants are as in the fastest setting (or as in the first one, if nothing was timed).
pub fn grids(rows: &[Row]) -> Vec<Grid> {
    let mut seen: Vec<[&str; 5]> = Vec::new();
    let mut grids = Vec::new();
    for row in rows {
        if seen.contains(&key(row)) {
            continue;
        }
        seen.push(key(row));
        let settings: Vec<&Row> = rows.iter().filter(|other| key(other) == key(row)).collect();
        grids.extend(of_variant(&settings));
    }
    grids
}

fn of_variant(settings: &[&Row]) -> Vec<Grid> {
    let seconds = |row: &&&Row| row.seconds.unwrap_or(f64::INFINITY);
    let Some(best) = settings.iter().min_by(|a, b| seconds(a).total_cmp(&seconds(b))) else {
        return Vec::new();
    };
    let axes: Vec<Axis> = best.constants.0.iter().map(|(name, _)| axis(name, settings)).collect();
    let varying: Vec<&Axis> = axes.iter().filter(|axis| axis.values.len() > 1).collect();
    let mut grids = Vec::new();
    for (n, rows) in varying.iter().enumerate() {
        for columns in &varying[n + 1..] {
            grids.push(grid(settings, best, rows, columns));
        }
    }
    grids
}

/// Returns the values that a constant takes.
fn axis(name: &str, settings: &[&Row]) -> Axis {
    let mut values: Vec<String> = Vec::new();
    for value in settings.iter().filter_map(|row| row.constants.get(name)) {
        if !values.iter().any(|known| known == value) {
            values.push(value.to_string());
        }
    }
    let number = |value: &String| value.parse::<f64>();
    if values.iter().all(|value| number(value).is_ok()) {
        values.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
    }
    Axis { name: name.to_string(), values }
}

fn grid(settings: &[&Row], best: &Row, rows: &Axis, columns: &Axis) -> Grid {
    let fixed: Vec<(String, String)> = best
        .constants
        .0
        .iter()
        .filter(|(name, _)| *name != rows.name && *name != columns.name)
        .cloned()
        .collect();
    let cell = |at_row: &String, at_column: &String| {
        let found = settings.iter().find(|row| {
            let is = |name: &str, value: &String| row.constants.get(name) == Some(value.as_str());
            is(&rows.name, at_row)
                && is(&columns.name, at_column)
                && fixed.iter().all(|(name, value)| is(name, value))
        });
        found.map_or_else(Cell::default, |row| Cell {
            status: Some(row.status),
            rate: row.gflops.or(row.gbps),
            seconds: row.seconds,
            best: row.seconds.is_some() && row.variant == best.variant,
        })
    };
    let cells = rows.values.iter().map(|r| columns.values.iter().map(|c| cell(r, c)).collect()).collect();
    Grid {
        op: best.op.to_string(),
        variant: setting::split(&best.variant).0.to_string(),
        adapter: best.adapter.clone(),
        backend: best.backend.clone(),
        sizes: best.sizes.clone(),
        unit: if best.gflops.is_none() && best.gbps.is_some() { "GB/s" } else { "GFLOP/s" },
        rows: rows.clone(),
        columns: columns.clone(),
        fixed: Setting(fixed),
        cells,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Status, grids};
    use crate::row::{Row, tests::row};
    use wgrad::op::setting::Setting;

    fn setting(variant: &str, constants: &[(&str, &str)], seconds: Option<f64>, status: Status) -> Row {
        let constants = constants.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let gflops = seconds.map(|s| 1.0 / s);
        let variant = variant.to_string();
        Row { variant, constants: Setting(constants), status, gflops, ..row(seconds.map(|s| [s, s, s])) }
    }

    #[test]
    fn two_constants_make_one_grid_in_rising_order() {
        let rows = [
            setting("t:A=16", &[("A", "16"), ("B", "1")], Some(0.5), Status::Ok),
            setting("t:A=16:B=2", &[("A", "16"), ("B", "2")], None, Status::Wrong),
            setting("t", &[("A", "8"), ("B", "1")], Some(0.25), Status::Ok),
            setting("t:B=2", &[("A", "8"), ("B", "2")], None, Status::Skipped),
            setting("naive", &[], Some(0.1), Status::Ok),
        ];
        let grids = grids(&rows);
        assert_eq!(grids.len(), 1, "{grids:?}");
        let grid = &grids[0];
        assert_eq!((grid.variant.as_str(), grid.rows.name.as_str(), grid.unit), ("t", "A", "GFLOP/s"));
        assert_eq!(
            (&grid.rows.values[..], &grid.columns.values[..]),
            (&["8", "16"].map(String::from)[..], &["1", "2"].map(String::from)[..])
        );
        let ok = |rate: f64, best| Cell {
            status: Some(Status::Ok),
            rate: Some(rate),
            seconds: Some(1.0 / rate),
            best,
        };
        let no = |status| Cell { status: Some(status), ..Cell::default() };
        let expected = [[ok(4.0, true), no(Status::Skipped)], [ok(2.0, false), no(Status::Wrong)]];
        assert_eq!(grid.cells, expected.map(Vec::from));
        assert_eq!(grid.range(), Some((2.0, 4.0)));
    }

    #[test]
    fn of_three_constants_each_pair_has_the_third_at_its_best() {
        let mut rows = Vec::new();
        for n in 0..8usize {
            let value = |bit: usize| if n & bit == 0 { "1" } else { "2" };
            // The fastest is A = 2, B = 1, C = 2.
            let seconds = 1.0 + (n ^ 0b101) as f64;
            let constants = [("A", value(4)), ("B", value(2)), ("C", value(1))];
            let names = ["t", "t:1", "t:2", "t:3", "t:4", "t:5", "t:6", "t:7"];
            rows.push(setting(names[n], &constants, Some(seconds), Status::Ok));
        }
        let grids = grids(&rows);
        let reported: Vec<_> = grids
            .iter()
            .map(|g| (g.rows.name.as_str(), g.columns.name.as_str(), g.fixed.0[0].1.as_str()))
            .collect();
        assert_eq!(reported, [("A", "B", "2"), ("A", "C", "1"), ("B", "C", "2")]);
        for grid in &grids {
            let best: Vec<_> = grid.cells.iter().flatten().filter(|cell| cell.best).collect();
            assert_eq!(best.len(), 1, "{grid:?}");
            assert_eq!(best[0].seconds, Some(1.0));
        }
    }
}
