//! The fields of a file of separated values, in one text, with the line on which each row begins.

use std::path::Path;

use csv::ByteRecord;

use super::dialect::{Dialect, Lines};
use super::fail;
use crate::{Error, Result};

/// A row: the start of its text, the index of its first field's end, its number of fields, and its line from 1.
#[derive(Debug, Clone, Copy)]
struct Row {
    text: usize,
    ends: usize,
    fields: usize,
    line: u64,
}

/// All fields. Each takes its bytes in the file plus four.
pub(super) struct Fields {
    text: String,
    /// End of each field, in bytes from the start of its row.
    ends: Vec<u32>,
    rows: Vec<Row>,
    /// Lines with delimiters but no value, which are skipped.
    pub(super) blank: Vec<u64>,
}

impl Fields {
    /// Reads all lines but blank ones of a file whose quotes are closed. Rows may differ in their number of fields.
    /// Surrounding spaces are removed from each field.
    pub(super) fn read(path: &Path, bytes: &[u8], dialect: &Dialect) -> Result<Self> {
        let mut fields = Self { text: String::new(), ends: Vec::new(), rows: Vec::new(), blank: Vec::new() };
        let enough = fields.text.try_reserve_exact(bytes.len());
        enough
            .map_err(|e| fail(path, format!("has {} bytes, too many for this machine ({e})", bytes.len())))?;
        let mut lines = Lines::new(bytes, dialect);
        let mut reader = dialect.reader(bytes);
        let mut record = ByteRecord::new();
        loop {
            let more = reader.read_byte_record(&mut record);
            if !more.map_err(|e| fail(path, format!("cannot be read as comma-separated values ({e})")))? {
                break;
            }
            let from = record.position().map_or(0, csv::Position::byte);
            let line = lines.of(dialect.start + usize::try_from(from).unwrap_or(usize::MAX));
            fields.push(path, &record, line)?;
        }
        Ok(fields)
    }

    fn push(&mut self, path: &Path, record: &ByteRecord, line: u64) -> Result<()> {
        let (text, ends) = (self.text.len(), self.ends.len());
        for field in record {
            let Ok(field) = std::str::from_utf8(field) else {
                return Err(fail(
                    path,
                    format!(
                        "line {line} is not UTF-8 text; is this a file of comma-separated values? Save it as UTF-8"
                    ),
                ));
            };
            self.text.push_str(field.trim());
            let end = u32::try_from(self.text.len() - text);
            self.ends.push(end.map_err(|_| fail(path, format!("line {line} is longer than 4 GiB")))?);
        }
        if self.text.len() == text {
            self.ends.truncate(ends);
            self.blank.extend((record.len() > 1).then_some(line));
            return Ok(());
        }
        self.rows.push(Row { text, ends, fields: record.len(), line });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number of fields of a row.
    pub(super) fn width(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |row| row.fields)
    }

    /// A field; empty where it does not exist.
    pub(super) fn field(&self, row: usize, column: usize) -> &str {
        let Some(row) = self.rows.get(row).filter(|row| column < row.fields) else { return "" };
        let end = |field: usize| self.ends.get(row.ends + field).map_or(0, |end| *end as usize);
        let begin = if column == 0 { 0 } else { end(column - 1) };
        self.text.get(row.text + begin..row.text + end(column)).unwrap_or_default()
    }

    /// The fields of a row.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        (0..self.width(row)).map(move |column| self.field(row, column))
    }

    /// The line on which a row begins, from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |row| row.line)
    }

    /// Removes the fields of a row from number `width` on.
    pub(super) fn cut(&mut self, row: usize, width: usize) {
        if let Some(row) = self.rows.get_mut(row) {
            row.fields = row.fields.min(width);
        }
    }

    /// Removes the first row.
    pub(super) fn behead(&mut self) {
        self.rows.drain(..self.rows.len().min(1));
    }

    /// Reports the first row whose number of fields is not `expected`; ignores the header row.
    pub(super) fn ragged(&self, path: &Path, expected: usize, dialect: &Dialect) -> Result<()> {
        let Some(row) = (1..self.len()).find(|row| self.width(*row) != expected) else { return Ok(()) };
        Err(self.unequal(path, row, expected, dialect))
    }

    /// The error about a row whose number of fields differs from the others.
    pub(super) fn unequal(&self, path: &Path, row: usize, expected: usize, dialect: &Dialect) -> Error {
        let (line, got) = (self.line(row), self.width(row));
        let like = if self.width(0) == expected { "in the first line" } else { "most lines have" };
        let hint = match self.field(row, 0).chars().next() {
            Some(first @ ('#' | '%' | '!')) => format!("say `.comment = \"{first}\"` if it is a comment"),
            _ if got > expected => format!("is a field with a {} not in quotes?", dialect.in_words()),
            _ => "is it cut short, or does a field lack its quotes?".to_owned(),
        };
        fail(path, format!("line {line} has {got} fields, expected {expected} as {like}; {hint}"))
    }
}
