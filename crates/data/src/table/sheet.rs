//! The fields of a file of comma-separated values, with its column names and the line of each row.

use crate::table::notices::{LONG, some};
use crate::{
    Error, Result,
    error::{field_error, io_error},
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wgrad::words::{commas, counted, shortened};

use sha2::{Digest, Sha256};

use super::{
    dialect::Dialect,
    fail,
    fields::Fields,
    header::{self, First},
    quotes,
};
use crate::reading::{Header, Reading};

/// The fields of a file.
pub(super) struct Sheet {
    pub(super) path: PathBuf,
    /// Unique names of the columns; their numbers where the file has no names.
    pub(super) names: Vec<String>,
    /// True if the file names its columns.
    pub(super) named: bool,
    /// True if the first column has no name, and therefore perhaps only identifies rows.
    pub(super) row_names: bool,
    /// SHA-256 of the file.
    pub(super) digest: [u8; 32],
    /// Length of the file in bytes.
    pub(super) size: usize,
    /// Notes about the file's dialect.
    pub(super) notes: Vec<String>,
    /// The dialect in words.
    pub(super) written: String,
    /// The byte between two fields.
    pub(super) delimiter: u8,
    fields: Fields,
    places: HashMap<String, usize>,
}

impl Sheet {
    /// Reads a file. Its first line names the columns where it is not like the others, or has some of the `known`
    /// names.
    pub(super) fn read(path: &Path, reading: &Reading, known: &[&str]) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(io_error("cannot read", path, "check the path"))?;
        let comment = match reading.comment.map(u8::try_from) {
            None => None,
            Some(Ok(byte)) if byte.is_ascii_graphic() && byte != b'"' => Some(byte),
            Some(_) => {
                let got = reading.comment.map(String::from).unwrap_or_default();
                return Err(field_error("comment", got, "a sign such as #"));
            }
        };
        let dialect = Dialect::of(&bytes, comment);
        quotes::check(&bytes, &dialect).map_err(|message| fail(path, message))?;
        let fields = Fields::read(path, &bytes, &dialect)?;
        // R encloses the names of rows in quotes.
        let quoted = bytes.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(b"\""));
        let mut sheet = Self {
            path: path.to_owned(),
            names: Vec::new(),
            named: false,
            row_names: false,
            digest: Sha256::digest(&bytes).into(),
            size: bytes.len(),
            notes: Vec::new(),
            written: String::new(),
            delimiter: dialect.delimiter,
            fields,
            places: HashMap::new(),
        };
        drop(bytes);
        if sheet.len() == 0 {
            return Err(fail(path, "the file is empty, expected lines of values".into()));
        }
        sheet.settle(&dialect, reading.header, known, quoted)?;
        if sheet.len() == 0 {
            return Err(fail(
                path,
                "got one line, which names columns, expected lines of values after it".into(),
            ));
        }
        Ok(sheet)
    }

    /// Makes all rows equally long, and separates names from values.
    fn settle(
        &mut self,
        dialect: &Dialect,
        header: Option<Header>,
        known: &[&str],
        quoted: bool,
    ) -> Result<()> {
        let fields = &mut self.fields;
        let counts = header.is_none() && known.is_empty() && header::counts(fields);
        let mut names_of_rows = false;
        if fields.len() > 1 {
            let width = usual(fields);
            fields.ragged(&self.path, width, dialect)?;
            let first = fields.width(0);
            let empty = |row: usize, from: usize| fields.row(row).skip(from).all(str::is_empty);
            if first > width && empty(0, width) {
                fields.cut(0, width);
            } else if first < width && (1..fields.len()).all(|row| empty(row, first)) {
                (1..fields.len()).for_each(|row| fields.cut(row, first));
            } else if first + 1 == width && !counts && header != Some(Header::No) {
                // R writes frames like this. Numbers without quotes may instead be the whole part before a decimal
                // comma.
                let words = || (1..fields.len()).any(|row| fields.field(row, 0).parse::<f64>().is_err());
                names_of_rows = (quoted || words()) && header::first(fields) == First::Names;
            }
            if fields.width(0) != fields.width(1) && !counts && !names_of_rows {
                let row = if first < width && width - first > 1 { 0 } else { 1 };
                let expected = if row == 0 { width } else { first };
                return Err(fields.unequal(&self.path, row, expected, dialect));
            }
        }
        let is_known = header::has(fields, known);
        let first = match header {
            Some(Header::Yes) => First::Names,
            Some(Header::No) => First::Row,
            None if is_known || names_of_rows => First::Names,
            None if counts => First::Counts,
            None => header::first(fields),
        };
        let width = fields.width(1.min(fields.len() - 1));
        let mut given: Vec<&str> = if names_of_rows { vec![""] } else { Vec::new() };
        given.extend(fields.row(0));
        match first {
            First::Names => {
                let (names, notes) = header::names(&given);
                self.row_names = given.first().is_some_and(|name| name.is_empty() || *name == "Unnamed: 0");
                (self.names, self.named) = (names, true);
                self.notes.extend(notes);
            }
            First::Row => self.names = (0..width).map(|n| n.to_string()).collect(),
            First::Counts => {
                self.names = (0..width).map(|n| n.to_string()).collect();
                self.notes.push(format!(
                    "line {} counts rows and columns and names classes ({}), as scikit-learn's files do: it is not a row",
                    fields.line(0),
                    given.get(2..).unwrap_or_default().join(", ")
                ));
            }
        }
        let line = fields.line(0);
        let names = if self.named { format!("names on line {line}") } else { "no names".to_owned() };
        self.written = format!("a {} between fields, {names}", dialect.in_words());
        if first != First::Row {
            fields.behead();
        }
        if let [line, ..] = fields.blank[..] {
            let count = counted(fields.blank.len(), "line");
            self.notes
                .push(format!("{count} without any value left out, the first of them line {}", commas(line)));
        }
        self.places = self.names.iter().cloned().zip(0..).collect();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn field(&self, row: usize, column: usize) -> &str {
        self.fields.field(row, column)
    }

    /// The line of the file on which a row begins, from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.fields.line(row)
    }

    /// Index of the column with this name.
    pub(super) fn named_column(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Index of the column that an option gives, by name or by number from 0; negative numbers count from the end.
    pub(super) fn column(&self, field: &'static str, text: &str) -> Result<usize> {
        let columns = self.names.len();
        let number = || match text.parse::<i64>().ok()? {
            number if number < 0 => columns.checked_sub(usize::try_from(number.unsigned_abs()).ok()?),
            number => usize::try_from(number).ok().filter(|number| *number < columns),
        };
        self.named_column(text).or_else(number).ok_or_else(|| {
            let names = some(&self.names);
            fail(
                &self.path,
                format!("has no column {text:?} for `.{field}`; its {columns} columns are {names}, or numbers from 0"),
            )
        })
    }

    /// The error of a field that does not fit its column.
    pub(super) fn wrong(&self, row: usize, column: &str, got: &str, expected: &str) -> Error {
        fail(
            &self.path,
            format!(
                "line {}: column {column} is {:?}, expected {expected}",
                self.line(row),
                shortened(got, LONG)
            ),
        )
    }
}

/// The most frequent number of fields of the rows after the first.
fn usual(fields: &Fields) -> usize {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for row in 1..fields.len() {
        *counts.entry(fields.width(row)).or_default() += 1;
    }
    let first = fields.width(0);
    let most = counts.into_iter().max_by_key(|(width, count)| (*count, *width == first, *width));
    most.map_or(first, |(width, _)| width)
}
