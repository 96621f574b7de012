//! How the numbers of a table become what its network takes, as a file holds it: two vectors for the columns, two numbers
//! for the label.

use crate::data::table::{Kind, Table};

/// The metadata that holds the table whole, as JSON.
pub const TABLE: &str = "table";
/// The network's input where it takes the rows of a table: (batch, columns).
pub const FEATURES: &str = "features";

/// Mean and deviation of every number that goes in: 0 and 1 for each word.
pub(super) fn columns(table: &Table) -> [Vec<f32>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    for column in &table.columns {
        let [mean, deviation] = moments(&column.kind);
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

/// What each number that goes in is: the name of its column, with the word that it stands for.
pub fn names(table: &Table) -> Vec<String> {
    let each = table.columns.iter().flat_map(|column| match &column.kind {
        Kind::Words(words, ..) => words.iter().map(|word| format!("{}={word}", column.name)).collect(),
        Kind::Number { .. } => vec![column.name.clone()],
    });
    each.collect()
}
