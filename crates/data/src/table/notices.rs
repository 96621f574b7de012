//! Notes and warnings about a table, and limits on their length.

use wgrad::words::{counted, shortened};

/// Maximum number of missing values that an error lists.
pub(super) const NAMED: usize = 5;
/// Maximum number of characters that are quoted of a text.
pub(super) const LONG: usize = 200;

/// The first twelve of some names.
pub(super) fn some(names: &[String]) -> String {
    let more = if names.len() > 12 { ", ..." } else { "" };
    names.iter().take(12).map(|name| shortened(name, LONG)).collect::<Vec<_>>().join(", ") + more
}

/// Maximum number of columns with a note of their own.
const SAID: usize = 8;

/// The notes and warnings about columns.
pub struct Notices<'a> {
    pub(super) notes: &'a mut Vec<String>,
    pub(super) warnings: &'a mut Vec<String>,
}

/// Adds the first of the notes about columns, and counts the others.
pub(super) fn first_of(mut said: Vec<String>, to: &mut Vec<String>) {
    let more = said.len().saturating_sub(SAID);
    said.truncate(SAID);
    to.append(&mut said);
    if more > 0 {
        to.push(format!("and {} like these", counted(more, "more column")));
    }
}
