//! Guesses the purpose of columns: which one is the label and of what kind, and which ones only number the rows.

use crate::Result;
use crate::number::{Lacks, Parse};
use crate::table::{
    column::{FEW, Holds, Planned},
    header::LABELS,
};
use std::collections::HashSet;
use wgrad::data::schema::Absent;

use super::{picture, sheet::Sheet};
use crate::reading::Reading;

/// Names of columns that number the rows.
const IDS: [&str; 5] = ["id", "index", "idx", "no", "nr"];

/// Chooses the label column: the one given by `reading`, one with a usual name, the one next to a picture's pixels,
/// or the last one with a value.
pub(super) fn label_place(
    sheet: &Sheet,
    reading: &Reading,
    dropped: &HashSet<usize>,
    notes: &mut Vec<String>,
) -> Result<usize> {
    if let Some(text) = &reading.label {
        return sheet.column("label", text);
    }
    let there = |place: &usize| !dropped.contains(place);
    let called = |label: &str| {
        (0..sheet.names.len()).find(|place| there(place) && sheet.names[*place].to_lowercase() == label)
    };
    let has_value = |place: &usize| (0..sheet.len()).any(|row| !sheet.field(row, *place).is_empty());
    let last = || (0..sheet.names.len()).rev().find(|place| there(place) && has_value(place));
    let place = match LABELS.into_iter().find_map(called) {
        Some(place) => place,
        None => match picture::label_beside(sheet, dropped)? {
            Some(place) => place,
            None => last().unwrap_or(sheet.names.len() - 1),
        },
    };
    notes.push(format!("the label is the column {}; `.label` selects another", sheet.names[place]));
    Ok(place)
}

/// True if the first column only identifies rows: its values are all different, and none has a fraction.
pub(super) fn is_index(sheet: &Sheet) -> bool {
    let mut seen = HashSet::new();
    let fraction = |text: &str| text.parse::<f64>().is_ok_and(|value| value.fract() != 0.0);
    sheet.names.len() > 2
        && (0..sheet.len()).all(|row| {
            let text = sheet.field(row, 0);
            !text.is_empty() && !fraction(text) && seen.insert(text)
        })
}

/// True if a column has the name of one that counts the rows, and does count them.
pub(super) fn counts_rows(sheet: &Sheet, column: &Planned) -> bool {
    let number = |row| sheet.field(row, column.place).parse::<i64>().ok();
    let next = |row: usize| number(row) == number(row - 1).and_then(|number| number.checked_add(1));
    IDS.contains(&column.name.to_lowercase().as_str()) && sheet.len() > 2 && (1..sheet.len()).all(next)
}

/// True if the labels of a column are numbers rather than classes.
pub(super) fn tells_numbers(sheet: &Sheet, label: &Planned, absent: &Absent) -> bool {
    let Holds::Numbers(format) = &label.holds else { return false };
    let mut different = HashSet::new();
    for row in 0..sheet.len() {
        let text = sheet.field(row, label.place);
        match format.number(text) {
            _ if absent.has(text, true) => {}
            None => return false,
            Some(value) if value.fract() != 0.0 => return true,
            Some(value) => drop(different.insert((value + 0.0).to_bits())),
        }
    }
    different.len() > FEW
}

/// True if there are so many classes for the number of rows that they are rather a quantity: at least four classes
/// for five rows.
pub(super) fn is_quantity(classes: usize, rows: usize) -> bool {
    classes > 2 && 5 * classes >= 4 * rows
}
