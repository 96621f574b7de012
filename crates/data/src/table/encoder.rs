//! Encodes the rows of a file as a network's inputs: finds columns by name, and maps words to values.

use crate::number::{Lacks, Parse};
use std::path::Path;

use super::names::Known;
use super::plan::Plan;
use super::sheet::Sheet;
use super::survey::TwoWays;
use super::{Kind, Table, fail};
use crate::classes::essence;
use crate::reading::{Decimal, Missing, Reading};
use crate::{Error, Result};
use crate::{
    number::{self, Readings},
    table::notices::{LONG, NAMED, some},
};
use wgrad::data::schema::{of_column, standardised};
use wgrad::{
    data::schema::Format,
    words::{counted, shortened},
};

/// Indices of a network's columns in a file: the inputs and the label.
pub(super) struct Places {
    pub(super) columns: Vec<usize>,
    pub(super) label: Option<usize>,
}

impl Plan {
    /// The note about a file without column names, where the training file had names.
    pub(super) fn by_place(&self, sheet: &Sheet) -> Option<String> {
        (self.named && !sheet.named)
            .then(|| format!("{} names no columns: they are matched by position", sheet.path.display()))
    }

    /// Locates the columns in `sheet`: by name, or by position in files without names.
    pub(super) fn places(&self, sheet: &Sheet, with_label: bool) -> Result<Places> {
        let label = with_label.then_some(&self.label);
        if self.named && sheet.named {
            let missing: Vec<String> = self
                .columns
                .iter()
                .chain(label)
                .filter(|column| sheet.named_column(&column.name).is_none())
                .map(|column| column.name.clone())
                .collect();
            if !missing.is_empty() {
                return Err(fail(
                    &sheet.path,
                    format!(
                        "has no {} {}; its columns are {}",
                        if missing.len() > 1 { "columns" } else { "column" },
                        some(&missing),
                        some(&sheet.names)
                    ),
                ));
            }
            let place = |name: &str| sheet.named_column(name).unwrap_or(0);
            let columns = self.columns.iter().map(|column| place(&column.name)).collect();
            return Ok(Places { columns, label: label.map(|label| place(&label.name)) });
        }
        let width = sheet.names.len();
        let places = || self.columns.iter().map(|column| column.place);
        let label = label.map(|label| label.place);
        let least = places().chain(label).max().unwrap_or(0) + 1;
        let whole = self.fields.map_or(width >= least, |fields| width == fields);
        // The file lacks the label and the columns that training left out.
        let bare = label.is_none() && width == self.columns.len();
        match (whole, bare) {
            (true, _) => Ok(Places { columns: places().collect(), label }),
            (false, true) => Ok(Places { columns: (0..width).collect(), label }),
            _ => {
                let inputs = self.columns.len();
                let expected = match (label, self.fields.unwrap_or(least)) {
                    (None, fields) if fields != inputs => format!("{fields}, or {inputs} without the label"),
                    (_, fields) => fields.to_string(),
                };
                Err(fail(
                    &sheet.path,
                    format!(
                        "has {} that cannot be matched by name, expected {expected} as in the training data; put the column \
                         names on its first line",
                        counted(width, "column")
                    ),
                ))
            }
        }
    }
}

/// Encodes rows as numbers, and counts words that the network does not know.
pub(super) struct Encoder<'a> {
    table: &'a Table,
    /// Number format of each column.
    formats: Vec<Format>,
    /// Number format of the label.
    label_format: Format,
    missing: Missing,
    words: Vec<Known<'a>>,
    classes: Known<'a>,
    unknown: Vec<String>,
    count: usize,
}

impl<'a> Encoder<'a> {
    /// An encoder of rows; `missing` determines the treatment of rows with missing values.
    pub(super) fn new(table: &'a Table, missing: Missing) -> Self {
        let known = |kind: &'a Kind, format: &'a Format| match kind {
            Kind::Words(words) => Known::new(words, format),
            Kind::Number { .. } => Known::new(&[], format),
        };
        let words = table.columns.iter().map(|column| known(&column.kind, &column.format));
        let classes = known(&table.label.kind, &table.label.format);
        let words = words.collect();
        let formats = table.columns.iter().map(|column| column.format.clone()).collect();
        let label_format = table.label.format.clone();
        Self { table, formats, label_format, missing, words, classes, unknown: Vec::new(), count: 0 }
    }

    /// Chooses the number format of a file other than the training's, where its numbers can be read in two ways.
    ///
    /// # Errors
    /// [`Error::Data`] where the options do not give the format.
    pub(super) fn decide(
        &mut self,
        sheet: &Sheet,
        places: &[usize],
        label: Option<usize>,
        decimal: Option<Decimal>,
    ) -> Result<()> {
        let named = self.table.columns.iter().map(|column| (&column.name, &column.kind));
        let columns = named.zip(&mut self.formats).zip(places.iter().copied());
        let (name, kind) = (&self.table.label.name, &self.table.label.kind);
        let label = label.map(|place| (((name, kind), &mut self.label_format), place));
        for (((name, kind), format), place) in columns.chain(label) {
            let possible = format.comma && matches!(kind, Kind::Number { .. });
            let Some(text) = TwoWays::of(sheet, place, format.sign.as_deref(), possible).pointed else {
                continue;
            };
            match decimal {
                Some(Decimal::Comma) => {}
                Some(Decimal::Point) => format.comma = false,
                None => {
                    let message = format!(
                        "column {name}: {text:?} can be read in two ways, and the training data had a decimal comma; \
                         say `.decimal = comma` if the point groups digits, `.decimal = point` if it is a decimal point"
                    );
                    return Err(fail(&sheet.path, message));
                }
            }
        }
        Ok(())
    }

    /// Appends the values of a row, as f32 with the lowest byte first.
    pub(super) fn encode(
        &mut self,
        sheet: &Sheet,
        row: usize,
        places: &[usize],
        values: &mut Vec<u8>,
    ) -> Result<()> {
        let mut push = |value: f32| values.extend_from_slice(&value.to_le_bytes());
        let absent = &self.table.absent;
        let columns = self.table.columns.iter().zip(&self.formats).zip(&self.words);
        for (((column, format), words), place) in columns.zip(places) {
            let text = sheet.field(row, *place);
            match &column.kind {
                Kind::Number { .. } if absent.has(text, true) => push(0.0),
                Kind::Number { mean, deviation } => {
                    let value = format
                        .number(text)
                        .ok_or_else(|| no_number(sheet, row, (&column.name, format), text, self.missing))?;
                    let made = of_column(value, *mean, *deviation);
                    if !made.is_finite() {
                        let by = (*mean, *deviation);
                        return Err(too_far(sheet, row, &column.name, text, by, self.missing));
                    }
                    push(made);
                }
                Kind::Words(all) => {
                    let found = words.place(text);
                    (0..all.len()).for_each(|word| push(f32::from(u8::from(found == Some(word)))));
                    if found.is_none() && !absent.has(text, false) {
                        self.count += 1;
                        if self.unknown.len() < NAMED {
                            self.unknown.push(format!(
                                "line {} ({} {:?})",
                                sheet.line(row),
                                column.name,
                                shortened(text, LONG)
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The label of a row: a class, or the bits of an f32.
    pub(super) fn label(&self, sheet: &Sheet, row: usize, place: usize) -> Result<u32> {
        let text = sheet.field(row, place);
        let label = &self.table.label;
        match &label.kind {
            Kind::Words(classes) => {
                let class = self.classes.place(text).map(|class| class as u32);
                let meant = || classes.iter().find(|class| essence(class) == essence(text));
                let expected = || match meant() {
                    Some(class) => format!("{class:?} as in the training part, if it means the same"),
                    None => format!("one of {}", some(classes)),
                };
                class.ok_or_else(|| sheet.wrong(row, &label.name, text, &expected()))
            }
            Kind::Number { mean, deviation } => {
                // A missing label is never replaced by a mean: its row is left out, or refused.
                let missing = if self.missing == Missing::Drop { Missing::Drop } else { Missing::Error };
                let format = &self.label_format;
                let value = format
                    .number(text)
                    .ok_or_else(|| no_number(sheet, row, (&label.name, format), text, missing))?;
                let made = standardised(value, *mean, *deviation);
                match made.is_finite() {
                    true => Ok(made.to_bits()),
                    false => Err(too_far(sheet, row, &label.name, text, (*mean, *deviation), missing)),
                }
            }
        }
    }

    /// The warning about words that the training part did not have.
    pub(super) fn warning(&self, path: &Path) -> Option<String> {
        let more = if self.count > self.unknown.len() { ", ..." } else { "" };
        (self.count > 0).then(|| {
            format!(
                "{}: {} that the training part did not have, treated as none of the column's words: {}{more}",
                path.display(),
                counted(self.count, "word"),
                self.unknown.join(", ")
            )
        })
    }
}

/// The error of a number that is not finite in f32 once it is standardised.
fn too_far(
    sheet: &Sheet,
    row: usize,
    name: &str,
    text: &str,
    (mean, deviation): (f64, f64),
    missing: Missing,
) -> Error {
    let next = format!(
        "a number that f32 holds when it is standardised by the training part's mean {mean} and deviation {deviation}; fix it{}",
        or_empty(missing)
    );
    sheet.wrong(row, name, text, &next)
}

/// Additional advice where empty fields are allowed, or their rows left out.
fn or_empty(missing: Missing) -> &'static str {
    match missing {
        Missing::Error => "",
        _ => ", or leave it empty if there is no value",
    }
}

fn no_number(
    sheet: &Sheet,
    row: usize,
    (name, format): (&str, &Format),
    text: &str,
    missing: Missing,
) -> Error {
    let found = Readings::of(text);
    let next = match number::beyond(text) {
        None if found.any() => {
            format!("a number {}, as in the training part; write it that way", format.wanted(found.sign))
        }
        what => {
            let what = what.map_or("a number".to_owned(), |what| format!("a number that is not {what},"));
            format!("{what} as in the training part; fix it")
        }
    };
    sheet.wrong(row, name, text, &format!("{next}{}", or_empty(missing)))
}

/// The rows of a file, encoded for an existing network.
pub struct Rows<'a> {
    sheet: Sheet,
    encoder: Encoder<'a>,
    places: Vec<usize>,
    rows: Vec<usize>,
    /// Warnings about the rows.
    pub warnings: Vec<String>,
}

impl<'a> Rows<'a> {
    pub(super) fn open(table: &'a Table, path: &Path, reading: &Reading) -> Result<Self> {
        let sheet = Sheet::read(path, reading, &table.names())?;
        let plan = Plan::known(table);
        let places = plan.places(&sheet, false)?.columns;
        let mut warnings = sheet.notes.clone();
        warnings.extend(plan.by_place(&sheet));
        let mut encoder = Encoder::new(table, reading.missing);
        encoder.decide(&sheet, &places, None, reading.decimal)?;
        let rows = plan.complete(&sheet, (&places, None), reading.missing, &mut warnings);
        let rows = rows.map_err(|error| match (error, reading.missing) {
            (Error::Data { path, message }, Missing::Error) => {
                let had = table.columns.iter().any(|column| column.missing > 0);
                let more = if had { "" } else { "; the training data had no such lines" };
                Error::Data { path, message: format!("{message}{more}") }
            }
            (error, _) => error,
        })?;
        Ok(Self { sheet, encoder, places, rows, warnings })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The line of a row in its file, from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |row| self.sheet.line(*row))
    }

    /// The values of some rows as the network takes them, as bytes of f32; rows past the end are left out.
    ///
    /// # Errors
    /// [`Error::Data`] where a field should be a number and is not.
    pub fn values(&mut self, which: std::ops::Range<usize>) -> Result<Vec<u8>> {
        let mut values = Vec::new();
        for row in self.rows.iter().take(which.end).skip(which.start) {
            self.encoder.encode(&self.sheet, *row, &self.places, &mut values)?;
        }
        Ok(values)
    }

    /// The warning about words so far that the network does not know.
    pub fn unknown(&self) -> Option<String> {
        self.encoder.warning(&self.sheet.path)
    }
}
