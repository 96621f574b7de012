//! How the numbers of a table become what its network takes, as a file holds it: two vectors for the columns, two numbers
//! for the label.

use wgrad_data::table::{Kind, Table};

/// The metadata that holds the table whole, as JSON.
pub const TABLE: &str = "table";
/// The metadata that holds what becomes of missing values of its rows, as [`wgrad_data::reading::Missing`] is written.
pub const MISSING: &str = "table.missing";
/// The network's input where it takes the rows of a table: (batch, columns).
pub const FEATURES: &str = "features";

/// Mean and deviation of every number that goes in: 0 and 1 for each word. What counts for nothing is divided by infinity.
pub(super) fn columns(table: &Table) -> [Vec<f32>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    for column in &table.columns {
        let [mean, deviation] = match column.kind {
            Kind::Number { mean, deviation: 0.0 } => [mean as f32, f32::INFINITY],
            _ => moments(&column.kind),
        };
        both[0].extend(std::iter::repeat_n(mean, column.kind.width()));
        both[1].extend(std::iter::repeat_n(deviation, column.kind.width()));
    }
    both
}

/// Mean and deviation of the label, where it is a number.
pub(super) fn label(table: &Table) -> Option<[f32; 2]> {
    matches!(table.label.kind, Kind::Number { .. }).then(|| moments(&table.label.kind))
}

fn moments(kind: &Kind) -> [f32; 2] {
    match kind {
        Kind::Number { mean, deviation, .. } => {
            [*mean as f32, if *deviation > 0.0 { *deviation as f32 } else { 1.0 }]
        }
        Kind::Words(..) => [0.0, 1.0],
    }
}

/// The most that rounding to f32 may move a standardised value.
const ROUNDED: f64 = 1e-3;

/// The column, the label of a regression among them, whose numbers are too large against their spread for the f32 that
/// a file takes and gives, with what to do, in words; `None` where f32 holds all.
pub(super) fn too_coarse(table: &Table, regression: bool) -> Option<String> {
    let columns = table.columns.iter().map(|column| (&column.name, &column.kind));
    let label = regression.then_some((&table.label.name, &table.label.kind));
    columns.chain(label).find_map(|(name, kind)| {
        let Kind::Number { mean, deviation } = *kind else { return None };
        // Half of the distance between two numbers of f32, as a share of them, is 2^-24.
        let moved = mean.abs() / deviation * 2f64.powi(-24);
        (deviation > 0.0 && moved > ROUNDED).then(|| {
            format!(
                "column {name} has mean {mean} and deviation {deviation}, and an ONNX file takes and gives f32: rounded to \
                 it, a standardised value moves by up to {moved:.1e}, expected at most {ROUNDED}; subtract an offset such as \
                 {mean:.0} from the column in the data, and train again"
            )
        })
    })
}

/// What each number that goes in is: the name of its column, with the word that it stands for.
pub fn names(table: &Table) -> Vec<String> {
    let each = table.columns.iter().flat_map(|column| match &column.kind {
        Kind::Words(words, ..) => words.iter().map(|word| format!("{}={word}", column.name)).collect(),
        Kind::Number { .. } => vec![column.name.clone()],
    });
    each.collect()
}
