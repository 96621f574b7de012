//! A column, before it is known which rows are the training part.

use super::Kind;
use wgrad::data::schema::Format;

/// A label column of more words than this tells no classes.
pub(super) const MOST_CLASSES: usize = 4096;
/// A column of whole numbers with at most so many different ones tells classes.
pub(super) const FEW: usize = 20;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    /// No value at all.
    Nothing,
    /// Numbers, written like this.
    Numbers(Format),
    /// Words.
    Words,
}

/// A column, before it is known which rows are the training part.
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
