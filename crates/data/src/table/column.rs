//! A column before the training rows are chosen.

use super::Kind;
use wgrad::data::schema::Format;

/// Maximum number of words in a label column; more of them are no classes.
pub(super) const MOST_CLASSES: usize = 4096;
/// Maximum number of different whole numbers in a label column that holds classes.
pub(super) const FEW: usize = 20;

/// The content of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    /// No value at all.
    Nothing,
    /// Numbers in this format.
    Numbers(Format),
    /// Words.
    Words,
}

/// A column before the training rows are chosen.
#[derive(Clone)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) place: usize,
    pub(super) holds: Holds,
}

impl Planned {
    pub(super) fn of(name: &str, place: usize, kind: &Kind, format: &Format) -> Self {
        let holds = match kind {
            Kind::Number { .. } => Holds::Numbers(format.clone()),
            Kind::Words(_) => Holds::Words,
        };
        Self { name: name.to_owned(), place, holds }
    }

    pub(super) fn is_numbers(&self) -> bool {
        matches!(self.holds, Holds::Numbers(_))
    }
}
