//! Comma-separated values: each row is an example, and one column is the label. Columns of numbers are standardised
//! by the mean and deviation of the training part; columns of words become one value for each word. The run records
//! the encoding, so that other rows are read alike. Rows that are pictures become images. Dates, free text, and
//! several labels are not supported.

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
mod notices;
#[cfg(test)]
mod tests;

/// Reads the rows of another file, for a network that was trained on this table. [`Reading::missing`] determines
/// the treatment of missing values.
///
/// # Errors
/// [`Error::Data`] where columns are missing or hold invalid values; [`wgrad::Error::Io`].
pub fn rows<'a>(table: &'a Table, path: &Path, reading: &Reading) -> Result<Rows<'a>> {
    Rows::open(table, path, reading)
}

/// An error about a file.
fn fail(path: &Path, message: String) -> Error {
    Error::Data { path: path.to_owned(), message }
}
