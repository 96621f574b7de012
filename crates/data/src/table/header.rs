//! Decides whether the first line of a file names its columns, and assigns names.

use std::collections::{HashMap, HashSet};

use super::fields::Fields;
use crate::number::Readings;

/// Usual names of a label column, used where the options name none.
pub(super) const LABELS: [&str; 5] = ["label", "target", "class", "y", "species"];

/// Number of rows that are examined to classify the first one.
const LOOKED_AT: usize = 1000;
/// Years that serve as column names.
const YEARS: std::ops::RangeInclusive<i64> = 1800..=2200;

/// Kind of the first line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// The names of the columns.
    Names,
    /// A row like the others.
    Row,
    /// The numbers of rows and columns, and the names of the classes, as in the files of scikit-learn.
    Counts,
}

fn is_number(text: &str) -> bool {
    Readings::of(text).any()
}

/// True if the first row has some of the `known` names. Numbers count as names only if all of them are there.
pub(super) fn has(fields: &Fields, known: &[&str]) -> bool {
    let first: HashSet<&str> = fields.row(0).collect();
    let (numbers, words): (Vec<&str>, Vec<&str>) = known.iter().partition(|name| is_number(name));
    words.iter().any(|word| first.contains(word))
        || words.len() < 2 && !numbers.is_empty() && numbers.iter().all(|number| first.contains(number))
}

/// True if the first row gives the number of the other rows.
pub(super) fn counts(fields: &Fields) -> bool {
    let count = |column| fields.field(0, column).parse::<usize>().ok();
    let mut names = fields.row(0).skip(2);
    fields.width(0) > 2
        && fields.len() > 1
        && count(0) == Some(fields.len() - 1)
        && count(1).is_some()
        && names.all(|name| !name.is_empty() && !is_number(name))
}

/// Classifies the first row, where the options do not.
pub(super) fn first(fields: &Fields) -> First {
    let columns = fields.width(0);
    let rows = 1..fields.len().min(LOOKED_AT + 1);
    let numbers: Vec<usize> = (0..columns).filter(|column| is_number(fields.field(0, *column))).collect();
    let named: Vec<usize> = (0..columns)
        .filter(|column| !fields.field(0, *column).is_empty() && !is_number(fields.field(0, *column)))
        .collect();
    let share = |column: usize| {
        let present = rows.clone().map(|row| fields.field(row, column)).filter(|text| !text.is_empty());
        let (mut all, mut numbers) = (0, 0);
        present.for_each(|text| {
            all += 1;
            numbers += usize::from(is_number(text));
        });
        numbers * 2 > all
    };
    let below = |column: usize, word: &str| rows.clone().any(|row| fields.field(row, column) == word);
    if rows.is_empty() {
        return if numbers.is_empty() { First::Names } else { First::Row };
    }
    // A word heads a column of numbers.
    if named.iter().any(|column| share(*column)) {
        return First::Names;
    }
    if numbers.is_empty() {
        // Words head columns of words: the line is a row if each of its words also occurs below.
        let row = rows.len() > 2
            && named.len() == columns
            && named.iter().all(|column| below(*column, fields.field(0, *column)));
        return if row { First::Row } else { First::Names };
    }
    let is_label = |column: &usize| {
        let name = fields.field(0, *column);
        LABELS.contains(&name.to_lowercase().as_str()) && !below(*column, name)
    };
    let in_order = ascending(fields, 0, &numbers);
    let next = rows.clone().take(3).any(|row| ascending(fields, row, &numbers).is_some());
    let fits = match in_order {
        Some(from) if YEARS.contains(&from) && numbers.len() > 2 && !next => true,
        Some(0 | 1) if !next => fractions(fields, rows.clone(), &numbers),
        _ => false,
    };
    let alone = || named.iter().any(|column| is_alone(fields, rows.clone(), *column));
    let names = named.iter().any(is_label) || fits || (in_order.is_some() && numbers.len() > 1 && alone());
    if names { First::Names } else { First::Row }
}

/// The first of several whole numbers, if each is one more than the previous one.
fn ascending(fields: &Fields, row: usize, columns: &[usize]) -> Option<i64> {
    let mut numbers = columns.iter().map(|column| fields.field(row, *column).parse::<i64>());
    let first = numbers.next()?.ok()?;
    let mut next = first;
    for number in numbers {
        next = next.checked_add(1)?;
        if number.ok()? != next {
            return None;
        }
    }
    Some(first)
}

/// True if most of the columns hold a number with a fraction.
fn fractions(fields: &Fields, mut rows: std::ops::Range<usize>, columns: &[usize]) -> bool {
    let fraction = |row: usize, column: usize| {
        let text = fields.field(row, column);
        text.parse::<f64>().is_ok_and(|value| value.fract() != 0.0) || text.contains(',')
    };
    let with = columns.iter().filter(|column| rows.any(|row| fraction(row, **column))).count();
    columns.len() > 1 && with * 2 > columns.len()
}

/// True if every word of a column occurs several times, and its first row's word is none of them.
fn is_alone(fields: &Fields, rows: std::ops::Range<usize>, column: usize) -> bool {
    let mut words: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        *words.entry(fields.field(row, column)).or_default() += 1;
    }
    !words.contains_key(fields.field(0, column)) && words.values().all(|count| *count > 1)
}

/// Column names, each unique: an empty one becomes the number of its column, and a repeated one gets a numeric
/// suffix, as in pandas. Also returns notes about repeated names.
pub(super) fn names(given: &[&str]) -> (Vec<String>, Vec<String>) {
    let bare = |name: &str| match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) if !inner.trim().is_empty() => inner.trim().to_owned(),
        _ => name.to_owned(),
    };
    let given: Vec<String> = given.iter().map(|name| bare(name)).collect();
    let all: HashSet<&str> = given.iter().map(String::as_str).collect();
    let (mut taken, mut names, mut notes) = (HashSet::new(), Vec::with_capacity(given.len()), Vec::new());
    let mut again: HashMap<&str, usize> = HashMap::new();
    for (place, name) in given.iter().enumerate() {
        let mut own = match name.is_empty() {
            true if all.contains(place.to_string().as_str()) => format!("Unnamed: {place}"),
            true => place.to_string(),
            false => name.clone(),
        };
        if taken.contains(&own) {
            let count = again.entry(name.as_str()).or_default();
            while taken.contains(&own) || all.contains(own.as_str()) {
                *count += 1;
                own = format!("{name}.{count}");
            }
            if notes.len() < 5 {
                notes.push(format!(
                    "more than one column is called {name}: the one at position {place} (from 0) is called {own} here"
                ));
            }
        }
        taken.insert(own.clone());
        names.push(own);
    }
    (names, notes)
}
