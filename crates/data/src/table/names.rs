//! The names of classes and of categories. Where all of them are numbers, equal numbers are one name, however each
//! is written (`1`, `1.0`, `01`). Words that differ only in spelling stay separate names, with a warning.

use crate::number::Parse;
use std::collections::{BTreeMap, HashMap};

use crate::classes::{EXACT, alike, first, listed};
use crate::table::notices::Notices;
use wgrad::data::schema::Format;

/// A name's value, where it is a number that f64 represents exactly.
fn exact(text: &str, format: &Format) -> Option<f64> {
    format.number(text).filter(|value| value.abs() < EXACT)
}

/// A text, with the number of fields that have it and the index of the first of them.
type Spelling<'a> = (&'a str, (usize, usize));

/// The different names among `fields`, each in its most frequent spelling, or the first of equally frequent ones.
/// They are sorted by number where all are numbers, else alphabetically. Adds a note about merged spellings, and a
/// warning about those kept apart; `what` names the column in both.
pub(super) fn names<'a>(
    fields: impl Iterator<Item = &'a str>,
    format: &Format,
    what: &str,
    notices: &mut Notices<'_>,
) -> Vec<String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, text) in fields.enumerate() {
        counts.entry(text).or_insert((0, at)).0 += 1;
    }
    let mut all: Vec<Spelling<'_>> = counts.into_iter().collect();
    let value = |(text, _): &Spelling<'_>| format.number(text).unwrap_or(f64::NAN);
    if all.iter().all(|one| !value(one).is_nan()) {
        all.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    let one = all.iter().all(|(text, _)| exact(text, format).is_some());
    let groups = all.chunk_by(|a, b| one && value(a) == value(b));
    let groups: Vec<Vec<Spelling<'_>>> = groups
        .map(|group| {
            let mut group = group.to_vec();
            group.sort_by_key(|(_, (count, first))| (std::cmp::Reverse(*count), *first));
            group
        })
        .collect();
    let several: Vec<String> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .map(|group| {
            let written = listed(group.iter().map(|(text, (count, _))| (*text, *count)));
            format!("{written} are the same number, called {}", group[0].0)
        })
        .collect();
    if !several.is_empty() {
        notices.notes.push(format!("{what}: {}", first(&several, ", and so on")));
    }
    if !one && let Some(words) = alike(all.iter().map(|(text, (count, _))| (*text, *count))) {
        notices.warnings.push(format!("{what}: {words}"));
    }
    groups.iter().map(|group| group[0].0.to_owned()).collect()
}

/// Looks up fields among names: by their text, else, where all names are numbers, by their value.
pub(super) struct Known<'a> {
    texts: HashMap<&'a str, usize>,
    /// Index of the name by the bits of its value. `None` where several names have one value, as in tables of
    /// earlier versions; no other spelling matches those.
    numbers: HashMap<u64, Option<usize>>,
    format: &'a Format,
}

impl<'a> Known<'a> {
    pub(super) fn new(names: &'a [String], format: &'a Format) -> Self {
        let values: Option<Vec<u64>> = names.iter().map(|name| bits(name, format)).collect();
        let mut numbers = HashMap::new();
        for (place, value) in values.into_iter().flatten().enumerate() {
            numbers.entry(value).and_modify(|place| *place = None).or_insert(Some(place));
        }
        Self { texts: names.iter().map(String::as_str).zip(0..).collect(), numbers, format }
    }

    /// Index of the name that a field has.
    pub(super) fn place(&self, text: &str) -> Option<usize> {
        let number = || self.numbers.get(&bits(text, self.format)?).copied().flatten();
        self.texts.get(text).copied().or_else(|| if self.numbers.is_empty() { None } else { number() })
    }
}

/// The bits of a number; both zeros have the same.
fn bits(text: &str, format: &Format) -> Option<u64> {
    exact(text, format).map(|value| (value + 0.0).to_bits())
}
