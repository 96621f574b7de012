//! What is said of a table, and how much of it.

use wgrad::words::{counted, shortened};

/// How many missing values an error names.
pub(super) const NAMED: usize = 5;
/// How many characters of a text are said.
pub(super) const LONG: usize = 200;

/// The first of some names.
pub(super) fn some(names: &[String]) -> String {
    let more = if names.len() > 12 { ", ..." } else { "" };
    names.iter().take(12).map(|name| shortened(name, LONG)).collect::<Vec<_>>().join(", ") + more
}

/// So many columns are told of at most.
const SAID: usize = 8;

/// What is said of columns.
pub struct Told<'a> {
    pub(super) notes: &'a mut Vec<String>,
    pub(super) warnings: &'a mut Vec<String>,
}

/// Adds the first of what is said of columns.
pub(super) fn first_of(mut said: Vec<String>, to: &mut Vec<String>) {
    let more = said.len().saturating_sub(SAID);
    said.truncate(SAID);
    to.append(&mut said);
    if more > 0 {
        to.push(format!("and the like of {}", counted(more, "more column")));
    }
}
