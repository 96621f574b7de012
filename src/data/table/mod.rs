//! Comma-separated values: a row an example, one column the label. Columns of numbers are standardised by the mean and
//! deviation of the training part; columns of words become a value for each word. How, is kept with the run, so
//! that other rows are read alike. Leaves out dates, texts, and several labels.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::dataset::{Dataset, Split, TEST_STREAM, held_out, held_out_note, hex};
use super::reading::{Missing, Reading, TEST_SHARE};
use crate::input::Input;
use crate::{Error, Result};
use plan::is_missing;
use sheet::Sheet;

mod plan;
mod sheet;

/// How the columns of a file become numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Table {
    /// The columns that go into a network, in the order of the file.
    pub columns: Vec<Column>,
    /// What is to be told.
    pub label: Label,
}

/// A column that goes into a network.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name, or its number from 0 where the file names none.
    pub name: String,
    /// Its number from 0.
    pub place: usize,
    /// How it becomes numbers.
    #[serde(flatten)]
    pub kind: Kind,
}

/// How a column becomes numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// (value - mean) / deviation.
    Number {
        /// The mean of the training part.
        mean: f64,
        /// Its standard deviation; a column with 0 is only shifted.
        deviation: f64,
    },
    /// One number for each of these words: 1 for the one that it is, 0 for the others.
    Words(Vec<String>),
}

/// The column that is to be told.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// Its name, or its number.
    pub name: String,
    /// Its number from 0.
    pub place: usize,
    /// What a network learns to tell.
    #[serde(flatten)]
    pub kind: Kind,
}

impl Kind {
    /// How many numbers it gives.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Words(words) => words.len(),
        }
    }
}

/// (value - mean) / deviation.
fn standardised(value: f64, mean: f64, deviation: f64) -> f32 {
    ((value - mean) / if deviation > 0.0 { deviation } else { 1.0 }) as f32
}

impl Table {
    /// Values of a row.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.kind.width()).sum()
    }

    /// The number that a network's output stands for, in the unit of the column.
    pub fn number(&self, output: f64) -> f64 {
        output * self.unit() + if let Kind::Number { mean, .. } = self.label.kind { mean } else { 0.0 }
    }

    /// How much of the column's unit one of a network's output is.
    pub fn unit(&self) -> f64 {
        match self.label.kind {
            Kind::Number { deviation, .. } if deviation > 0.0 => deviation,
            _ => 1.0,
        }
    }

    /// The values of a row.
    fn encode(&self, sheet: &Sheet, row: usize, values: &mut Vec<f32>) -> Result<()> {
        for column in &self.columns {
            let text = sheet.field(row, sheet.place(&column.name, column.place)?);
            match &column.kind {
                Kind::Number { .. } if is_missing(text) => values.push(0.0),
                Kind::Number { mean, deviation } => {
                    let value =
                        plan::number(text).ok_or_else(|| sheet.wrong(row, &column.name, text, "a number"))?;
                    values.push(standardised(value, *mean, *deviation));
                }
                Kind::Words(words) => {
                    values.extend(words.iter().map(|word| f32::from(u8::from(word == text))))
                }
            }
        }
        Ok(())
    }

    /// The label of a row: a class, or the bits of a number.
    fn label(&self, sheet: &Sheet, row: usize) -> Result<u32> {
        let text = sheet.field(row, sheet.place(&self.label.name, self.label.place)?);
        match &self.label.kind {
            Kind::Words(classes) => {
                let class = classes.iter().position(|class| class == text);
                let expected = || format!("one of {}", plan::some(classes));
                Ok(class.ok_or_else(|| sheet.wrong(row, &self.label.name, text, &expected()))? as u32)
            }
            Kind::Number { mean, deviation } => {
                let value =
                    plan::number(text).ok_or_else(|| sheet.wrong(row, &self.label.name, text, "a number"))?;
                Ok(standardised(value, *mean, *deviation).to_bits())
            }
        }
    }

    fn split(&self, sheet: &Sheet, rows: &[usize]) -> Result<Split> {
        let (mut values, mut labels) = (Vec::with_capacity(rows.len() * self.width()), Vec::new());
        for &row in rows {
            self.encode(sheet, row, &mut values)?;
            labels.push(self.label(sheet, row)?);
        }
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Split { images: bytes.into(), labels: labels.into() })
    }

    /// The rows of another file as a network takes them, f32 in bytes; how many there are, and the first line of each.
    ///
    /// # Errors
    /// [`Error::Data`] where columns are missing or hold what they should not; [`Error::Io`].
    pub fn rows(&self, path: &Path) -> Result<(Vec<u8>, Vec<u64>)> {
        let sheet = Sheet::read(path)?;
        let mut values = Vec::new();
        for row in 0..sheet.len() {
            self.encode(&sheet, row, &mut values)?;
        }
        let lines = (0..sheet.len()).map(|row| sheet.line(row)).collect();
        Ok((values.iter().flat_map(|value| value.to_le_bytes()).collect(), lines))
    }
}

/// Loads a file, and another one as its test part where there is one. Where `known` is given, the columns become what
/// it says, and without a test part all rows are one.
///
/// # Errors
/// [`Error::Data`] with file, line and column; [`Error::Option`] for a column that there is not; [`Error::Io`].
pub(super) fn load(
    path: &Path,
    test: Option<&PathBuf>,
    reading: &Reading,
    known: Option<&Table>,
) -> Result<Dataset> {
    let sheet = Sheet::read(path)?;
    let test = test.map(|path| Sheet::read(path)).transpose()?;
    let mut notes = Vec::new();
    let plan = plan::Plan::new(&sheet, reading, known, &mut notes)?;
    let mut warnings = Vec::new();
    let rows = plan.complete(&sheet, reading.missing, &mut warnings)?;
    let test_rows =
        test.as_ref().map(|test| plan.complete(test, reading.missing, &mut warnings)).transpose()?;
    let share = reading.test_share.unwrap_or(TEST_SHARE);
    let (train_rows, held) = match (known, &test_rows) {
        (_, Some(_)) => (rows, Vec::new()),
        (Some(_), None) => (rows.clone(), rows),
        (None, None) => {
            let labels = plan.rough_labels(&sheet, &rows);
            let (kept, held) = held_out(&labels, plan.numbers, share, reading.split_seed, TEST_STREAM)?;
            notes.push(held_out_note(held.len(), rows.len(), share, reading.split_seed));
            let pick = |which: Vec<usize>| which.into_iter().map(|index| rows[index]).collect::<Vec<_>>();
            (pick(kept), pick(held))
        }
    };
    let table = match known {
        Some(table) => table.clone(),
        None => plan.table(&sheet, &train_rows)?,
    };
    let train = table.split(&sheet, &train_rows)?;
    let test_part = match (&test, &test_rows) {
        (Some(test), Some(rows)) => table.split(test, rows)?,
        _ => table.split(&sheet, &held)?,
    };
    let mut hash = Sha256::new();
    hash.update(sheet.digest);
    test.iter().for_each(|test| hash.update(test.digest));
    if reading.missing == Missing::Drop || !reading.drop.is_empty() || reading.label.is_some() {
        hash.update(format!("{:?} {:?} {:?}", reading.missing, reading.drop, reading.label));
    }
    Ok(Dataset {
        name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        source: path.display().to_string(),
        height: 1,
        width: 1,
        channels: table.width(),
        input: Input { floats: true, numbers: plan.numbers, normalization: None },
        classes: match &table.label.kind {
            Kind::Words(classes) => classes.clone(),
            Kind::Number { .. } => Vec::new(),
        },
        train,
        validation: None,
        test: test_part,
        digest: hex(&hash.finalize()),
        warnings,
        notes,
        table: Some(table),
    })
}

/// An error about a file.
fn fail(path: &Path, message: String) -> Error {
    Error::Data { path: path.to_owned(), message }
}
