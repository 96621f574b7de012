//! Comma-separated values: a row an example, one column the label. Columns of numbers are standardised by the mean and
//! deviation of the training part; columns of words become a value for each word. How, is kept with the run, so
//! that other rows are read alike. Rows that are pictures become images. Leaves out dates, texts, and several labels.

use std::path::Path;

use crate::reading::Reading;
use crate::{Error, Result};
pub(super) use load::load;
pub use wgrad::data::schema::{Absent, Column, Format, Kind, Label, Table};
pub use {
    encoder::Rows,
    picture_rows::{PictureRows, is_rows},
};

mod column;
mod dialect;
mod encoder;
mod fields;
mod guess;
mod header;
mod load;
mod names;
mod picture;
mod picture_rows;
mod plan;
mod quotes;
mod sheet;
mod survey;
mod told;
#[cfg(test)]
mod tests;

/// The rows of another file, for a network that was trained on this table; missing values become what
/// [`Reading::missing`] says.
///
/// # Errors
/// [`Error::Data`] where columns are missing or hold what they should not; [`wgrad::Error::Io`].
pub fn rows<'a>(table: &'a Table, path: &Path, reading: &Reading) -> Result<Rows<'a>> {
    Rows::open(table, path, reading)
}

/// An error about a file.
fn fail(path: &Path, message: String) -> Error {
    Error::Data { path: path.to_owned(), message }
}
