//! The encoding of a table's numbers as a network's input, in the form that a file holds: two vectors for the
//! columns, two numbers for the label.

use wgrad_data::table::{Kind, Table};

/// Key of the metadata with the complete table, as JSON.
pub const TABLE: &str = "table";
/// Key of the metadata with the treatment of missing values, as [`wgrad_data::reading::Missing`] is written.
pub const MISSING: &str = "table.missing";
/// Name of the input of a network that takes the rows of a table: (batch, columns).
pub const FEATURES: &str = "features";

/// Mean and deviation of every input number; 0 and 1 for each word. A constant column is divided by infinity, so
/// that it has no effect.
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

/// Largest acceptable change of a standardised value by rounding to f32.
const ROUNDED: f64 = 1e-3;

/// The error about a column, or the label of a regression, whose numbers are too large for f32, compared with their
/// spread; `None` where there is none. An ONNX file takes and returns f32.
pub(super) fn too_coarse(table: &Table, regression: bool) -> Option<String> {
    let columns = table.columns.iter().map(|column| (&column.name, &column.kind));
    let label = regression.then_some((&table.label.name, &table.label.kind));
    columns.chain(label).find_map(|(name, kind)| {
        let Kind::Number { mean, deviation } = *kind else { return None };
        // Half of the distance between neighbouring f32 numbers is at most 2^-24 of their value.
        let moved = mean.abs() / deviation * 2f64.powi(-24);
        (deviation > 0.0 && moved > ROUNDED).then(|| {
            format!(
                "column {name} has mean {mean} and deviation {deviation}, but an ONNX file takes and gives f32: rounded to \
                 it, a standardised value moves by up to {moved:.1e}, expected at most {ROUNDED}; subtract an offset such as \
                 {mean:.0} from the column in the data, and train again"
            )
        })
    })
}

/// Meaning of each input number: the name of its column, with the word that it stands for.
pub fn names(table: &Table) -> Vec<String> {
    let each = table.columns.iter().flat_map(|column| match &column.kind {
        Kind::Words(words, ..) => words.iter().map(|word| format!("{}={word}", column.name)).collect(),
        Kind::Number { .. } => vec![column.name.clone()],
    });
    each.collect()
}
