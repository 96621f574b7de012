//! The fields of a file of comma-separated values, with the names of its columns and the lines of its rows.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use sha2::{Digest, Sha256};

use super::super::io_error;
use super::{fail, plan};
use crate::{Error, Result};

/// What may stand between two fields.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A file's fields.
pub(super) struct Sheet {
    pub(super) path: PathBuf,
    /// Names of the columns; where the file has none, their numbers.
    pub(super) names: Vec<String>,
    /// Whether the file names them.
    pub(super) named: bool,
    /// SHA-256 of the file.
    pub(super) digest: [u8; 32],
    rows: Vec<StringRecord>,
}

impl Sheet {
    /// Reads a file. Its delimiter is the one of `,` `;` tab `|` that its first line has most of; its first line names
    /// the columns where no field of it is a number.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(io_error("cannot read", path, "check the path"))?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
        // The first of equals.
        let delimiter =
            DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).has_headers(false).trim(Trim::All).from_reader(text);
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(record.map_err(|e| fail(path, in_words(&e)))?);
        }
        if rows.is_empty() {
            return Err(fail(path, "the file is empty, expected lines of values".into()));
        }
        let named = rows[0].iter().all(|field| plan::number(field).is_none());
        let names = match named {
            true => rows.remove(0).iter().enumerate().map(|(n, name)| name_of(n, name)).collect(),
            false => (0..rows[0].len()).map(|n| n.to_string()).collect(),
        };
        if rows.is_empty() {
            return Err(fail(
                path,
                "got one line, which names columns, expected lines of values behind it".into(),
            ));
        }
        Ok(Self { path: path.to_owned(), names, named, digest: Sha256::digest(&bytes).into(), rows })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn field(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).and_then(|row| row.get(column)).unwrap_or_default()
    }

    /// The line of the file on which a row begins, from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.rows.get(row).and_then(StringRecord::position).map_or(0, csv::Position::line)
    }

    /// Where a column is: by its name, or in a file without names where it was.
    pub(super) fn place(&self, name: &str, place: usize) -> Result<usize> {
        let found = if self.named { self.names.iter().position(|known| known == name) } else { Some(place) };
        found.filter(|place| *place < self.names.len()).ok_or_else(|| {
            let names = plan::some(&self.names);
            fail(&self.path, format!("has no column {name}; its columns are {names}"))
        })
    }

    /// The column that a user names, by name or by number from 0, from the last one where negative.
    pub(super) fn column(&self, option: &'static str, text: &str) -> Result<usize> {
        let columns = self.names.len();
        let number = || match text.parse::<i64>().ok()? {
            number if number < 0 => columns.checked_sub(usize::try_from(-number).ok()?),
            number => usize::try_from(number).ok().filter(|number| *number < columns),
        };
        let found = self.names.iter().position(|name| name == text).or_else(number);
        found.ok_or_else(|| {
            let names = plan::some(&self.names);
            fail(
                &self.path,
                format!("has no column {text:?} for `{option}`; its {columns} columns are {names}, or numbers from 0"),
            )
        })
    }

    /// A field that is not what its column holds.
    pub(super) fn wrong(&self, row: usize, column: &str, got: &str, expected: &str) -> Error {
        fail(&self.path, format!("line {}: column {column} is {got:?}, expected {expected}", self.line(row)))
    }
}

fn name_of(place: usize, name: &str) -> String {
    if name.is_empty() { place.to_string() } else { name.to_owned() }
}

fn in_words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => format!(
            "line {} has {len} fields, expected {expected_len} as in the first line; is a field with a comma not in \
             quotes?",
            pos.as_ref().map_or(0, csv::Position::line)
        ),
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!(
                "line {line} is no UTF-8 text; is this a file of comma-separated values? Save it as UTF-8"
            )
        }
        _ => format!("cannot be read as comma-separated values ({error})"),
    }
}
