//! Decides which columns go into a network and how, by the rows of the training part.

use crate::Result;
use crate::number;
use crate::number::{Lacks, Parse};
use crate::table::{
    column::{Holds, MOST_CLASSES, Planned},
    notices::{NAMED, Notices, first_of, some},
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use wgrad::{
    data::schema::{Absent, Format},
    words::counted,
};

use super::{
    Column, Kind, Label, Table, fail,
    guess::{counts_rows, is_index, is_quantity, label_place, tells_numbers},
    names::{Known, names},
    picture::{self, Picture},
    sheet::Sheet,
    survey::{Rules, survey},
};
use crate::reading::{Missing, Reading, Target};

/// Maximum number of words in a column of categories.
const MOST_WORDS: usize = 1000;
/// The columns of a table, before the training rows are chosen.
pub(super) struct Plan {
    /// The input columns.
    pub(super) columns: Vec<Planned>,
    pub(super) label: Planned,
    /// True if labels are numbers.
    pub(super) numbers: bool,
    /// The names of the classes; empty where rows are pictures.
    classes: Vec<String>,
    /// Number format of the labels.
    format: Format,
    /// The warning where labels are read as classes but look like a quantity.
    pub(super) quantity: Option<String>,
    /// The markers of missing values.
    pub(super) absent: Absent,
    /// True if the columns have names.
    pub(super) named: bool,
    /// Number of columns of the file, where it is known.
    pub(super) fields: Option<usize>,
    /// The picture that a row is.
    pub(super) picture: Option<Picture>,
}

impl Plan {
    /// The plan of an existing table.
    pub(super) fn known(table: &Table) -> Self {
        let label = &table.label;
        let columns = table.columns.iter();
        Self {
            columns: columns.map(|c| Planned::of(&c.name, c.place, &c.kind, &c.format)).collect(),
            label: Planned::of(&label.name, label.place, &label.kind, &label.format),
            numbers: matches!(label.kind, Kind::Number { .. }),
            classes: if let Kind::Words(classes) = &label.kind { classes.clone() } else { Vec::new() },
            format: label.format.clone(),
            quantity: None,
            absent: table.absent.clone(),
            named: table.is_named(),
            fields: table.fields,
            picture: None,
        }
    }

    /// Derives a plan from the content of a file, and adds notes and warnings.
    pub(super) fn new(sheet: &Sheet, reading: &Reading, notices: &mut Notices<'_>) -> Result<Self> {
        let set = |field, texts: &[String]| -> Result<HashSet<usize>> {
            texts.iter().map(|text| sheet.column(field, text)).collect()
        };
        let mut dropped = set("drop", &reading.drop)?;
        let mut category = set("category", &reading.category)?;
        let is_label = reading.label.as_ref().map(|text| sheet.column("label", text)).transpose()? == Some(0);
        if sheet.row_names && is_index(sheet) && !is_label {
            dropped.insert(0);
            notices.notes.push(format!(
                "the first column has no name and identifies the rows ({}, {}, ...), like the index of a data frame: left out",
                sheet.field(0, 0),
                sheet.field(1, 0)
            ));
        }
        let place = label_place(sheet, reading, &dropped, notices.notes)?;
        let places: Vec<usize> =
            (0..sheet.names.len()).filter(|column| *column != place && !dropped.contains(column)).collect();
        let picture = picture::of(sheet, &places, reading, notices.notes)?;
        let absent = number::absent(reading)?;
        if reading.target == Some(Target::Classes) {
            category.insert(place);
        }
        let looked_at: Vec<usize> = match &picture {
            Some(_) => vec![place],
            None => places.iter().copied().chain([place]).collect(),
        };
        let rules = Rules { absent: &absent, decimal: reading.decimal, category: &category, label: place };
        let mut held = survey(sheet, &looked_at, &rules, notices)?;
        let label = held.pop().filter(|holds| *holds != Holds::Nothing);
        let planned = |place: usize, holds| Planned { name: sheet.names[place].clone(), place, holds };
        let label = planned(
            place,
            label.ok_or_else(|| {
                fail(&sheet.path, format!("the label column {} has no value", sheet.names[place]))
            })?,
        );
        let columns: Vec<Planned> = match &picture {
            Some(picture) => picture
                .places
                .iter()
                .map(|place| planned(*place, Holds::Numbers(Format::default())))
                .collect(),
            None => places.into_iter().zip(held).map(|(place, holds)| planned(place, holds)).collect(),
        };
        let (columns, empty): (Vec<_>, Vec<_>) =
            columns.into_iter().partition(|column| column.holds != Holds::Nothing);
        if !empty.is_empty() {
            let names: Vec<String> = empty.into_iter().map(|column| column.name).collect();
            notices.notes.push(format!("without any value, left out: {}", some(&names)));
        }
        if columns.is_empty() {
            return Err(fail(
                &sheet.path,
                format!(
                    "has no column besides the label ({}), expected at least one; fields are separated by , ; tab or |",
                    label.name
                ),
            ));
        }
        if let Some(id) =
            columns.iter().find(|column| counts_rows(sheet, column)).filter(|_| picture.is_none())
        {
            notices.warnings.push(format!(
                "column {} counts the rows and is an input of the network; `.drop = {}` leaves it out",
                id.name, id.name
            ));
        }
        let numbers = match reading.target {
            Some(target) => target == Target::Number,
            None => tells_numbers(sheet, &label, &absent),
        };
        let format = match &label.holds {
            Holds::Numbers(format) => format.clone(),
            _ => Format::default(),
        };
        let among_numbers = label.is_numbers();
        let reported_labels = || {
            (0..sheet.len())
                .map(|row| sheet.field(row, place))
                .filter(|text| !absent.has(text, among_numbers))
        };
        let classes = match numbers || picture.is_some() {
            true => Vec::new(),
            false => names(reported_labels(), &format, &format!("the label column {}", label.name), notices),
        };
        if classes.len() > MOST_CLASSES {
            return Err(fail(
                &sheet.path,
                format!(
                    "the label column {} has {} different words, expected at most {MOST_CLASSES} classes; is another \
                     one the label (`.label`), or is it a number (`.target = number`)?",
                    label.name,
                    classes.len()
                ),
            ));
        }
        let guessed = reading.target.is_none() && among_numbers;
        let quantity = (guessed && is_quantity(classes.len(), reported_labels().count())).then(|| {
            format!(
                "the label column {} has {} different numbers on {}, which are taken as classes; if it is a quantity, add \
                 `.target = number`",
                label.name,
                classes.len(),
                counted(reported_labels().count(), "row")
            )
        });
        let (named, fields) = (sheet.named, Some(sheet.names.len()));
        Ok(Self { columns, label, numbers, classes, format, quantity, absent, named, fields, picture })
    }

    /// Indices of the rows that have all their values. Other rows are an error, or are left out; with
    /// [`Missing::Mean`], they are kept unless their label is missing. `places` and the label, where it counts, are
    /// indices of columns in this file.
    pub(super) fn complete(
        &self,
        sheet: &Sheet,
        (places, label): (&[usize], Option<usize>),
        missing: Missing,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<usize>> {
        let needed: Vec<(usize, bool)> = match (missing, &self.picture) {
            (Missing::Mean, None) => Vec::new(),
            _ => places.iter().copied().zip(self.columns.iter().map(Planned::is_numbers)).collect(),
        };
        let needed: Vec<(usize, bool)> =
            needed.into_iter().chain(label.map(|label| (label, self.label.is_numbers()))).collect();
        let (mut rows, mut wanting, mut count, mut word) = (Vec::new(), Vec::new(), 0, None);
        for row in 0..sheet.len() {
            let lacks =
                |(place, numbers): &&(usize, bool)| self.absent.has(sheet.field(row, *place), *numbers);
            if !needed.iter().any(|column| lacks(&column)) {
                rows.push(row);
                continue;
            }
            count += 1;
            let texts = needed.iter().filter(lacks).filter(|(_, numbers)| !numbers);
            word = word.or(texts.map(|(place, _)| sheet.field(row, *place)).find(|text| !text.is_empty()));
            if wanting.len() < NAMED {
                let lacking = needed.iter().filter(lacks);
                let names: Vec<String> = lacking.map(|(place, _)| sheet.names[*place].clone()).collect();
                wanting.push(format!("line {} ({})", sheet.line(row), some(&names)));
            }
        }
        let more = if count > wanting.len() { ", ..." } else { "" };
        let which = format!("{}{more}", wanting.join(", "));
        if count > 0 && missing != Missing::Drop {
            // With [`Missing::Mean`], only labels can be missing.
            let mean = match missing {
                Missing::Error if self.picture.is_none() => {
                    " or `.missing = mean` to take the mean of the column"
                }
                _ => "",
            };
            let word = word.map_or(String::new(), |text: &str| {
                format!("; if {text:?} is a word like others, say `.not_na = {text}`")
            });
            return Err(fail(
                &sheet.path,
                format!(
                    "{} with missing values: {which}; fix them, or say `.missing = drop` to leave these lines out{mean} \
                     (labels cannot be guessed){word}",
                    counted(count, "line")
                ),
            ));
        }
        if count > 0 {
            warnings.push(format!(
                "{}: {} with missing values left out: {which}",
                sheet.path.display(),
                counted(count, "line")
            ));
        }
        if rows.is_empty() {
            return Err(fail(&sheet.path, "has no line with all its values, expected at least one".into()));
        }
        Ok(rows)
    }

    /// Removes the classes that do not occur in `rows`, and returns a warning with their names.
    pub(super) fn keep_classes(&mut self, sheet: &Sheet, rows: &[usize]) -> Option<String> {
        let known = Known::new(&self.classes, &self.format);
        let texts = rows.iter().map(|row| sheet.field(*row, self.label.place));
        let used: HashSet<usize> = texts.filter_map(|text| known.place(text)).collect();
        let all = std::mem::take(&mut self.classes).into_iter().enumerate();
        let (kept, gone): (Vec<_>, Vec<_>) = all.partition(|(class, _)| used.contains(class));
        self.classes = kept.into_iter().map(|(_, name)| name).collect();
        let gone: Vec<String> = gone.into_iter().map(|(_, name)| name).collect();
        (!gone.is_empty()).then(|| {
            format!(
                "{} of the label column {} left out, which only lines with missing values have: {}",
                if gone.len() == 1 { "a class".to_owned() } else { format!("{} classes", gone.len()) },
                self.label.name,
                some(&gone)
            )
        })
    }

    /// Class numbers for holding out the same share of each class; all 0 for numbers.
    pub(super) fn rough_labels(&self, sheet: &Sheet, label: usize, rows: &[usize]) -> Vec<u32> {
        let known = Known::new(&self.classes, &self.format);
        let text = |row: &usize| {
            let text = sheet.field(*row, label);
            known.place(text).map_or(text, |class| self.classes[class].as_str())
        };
        let all: BTreeSet<&str> = rows.iter().map(text).collect();
        let number = |place: u32| if self.numbers { 0 } else { place };
        let places: BTreeMap<&str, u32> = all.into_iter().zip((0..).map(number)).collect();
        rows.iter().map(|row| places.get(text(row)).copied().unwrap_or(0)).collect()
    }

    /// The encoding of the columns, by the rows of the training part.
    pub(super) fn table(&self, sheet: &Sheet, rows: &[usize], notices: &mut Notices<'_>) -> Result<Table> {
        let (mut notes, mut warnings) = (Vec::new(), Vec::new());
        let said = &mut Notices { notes: &mut notes, warnings: &mut warnings };
        let columns = self.columns.iter().map(|column| {
            let Planned { name, place, .. } = column.clone();
            let (kind, format) = self.kind(sheet, column, rows, said)?;
            Ok(Column { name, place, kind, format, missing: self.missing(sheet, column) })
        });
        let columns = columns.collect::<Result<_>>()?;
        first_of(notes, notices.notes);
        first_of(warnings, notices.warnings);
        let Planned { name, place, .. } = self.label.clone();
        let kind = match self.numbers {
            true => self.moments(sheet, &self.label, &self.format, rows)?,
            // All classes that occur in any part.
            false => Kind::Words(self.classes.clone()),
        };
        let (format, missing) = (self.format.clone(), self.missing(sheet, &self.label));
        let label = Label { name, place, kind, format, missing };
        Ok(Table { columns, label, absent: self.absent.clone(), fields: self.fields })
    }

    /// Number of rows without a value in a column.
    fn missing(&self, sheet: &Sheet, column: &Planned) -> usize {
        let numbers = column.is_numbers();
        (0..sheet.len()).filter(|row| self.absent.has(sheet.field(*row, column.place), numbers)).count()
    }

    fn kind(
        &self,
        sheet: &Sheet,
        column: &Planned,
        rows: &[usize],
        notices: &mut Notices<'_>,
    ) -> Result<(Kind, Format)> {
        let Planned { name, place, holds } = column;
        if let Holds::Numbers(format) = holds {
            let kind = self.moments(sheet, column, format, rows)?;
            if let Kind::Number { mean, deviation: 0.0 } = kind
                && *place != self.label.place
            {
                notices.warnings.push(format!(
                    "column {name} is {mean} on all rows of the training part: it says nothing and has no effect"
                ));
            }
            return Ok((kind, format.clone()));
        }
        let present =
            rows.iter().map(|row| sheet.field(*row, *place)).filter(|text| !self.absent.has(text, false));
        let words = names(present, &Format::default(), &format!("column {name}"), notices);
        if words.len() > MOST_WORDS || words.is_empty() {
            let count = words.len();
            return Err(fail(
                &sheet.path,
                format!(
                    "column {name} has {count} different words, expected 1 to {MOST_WORDS} categories; leave it out with \
                     `.drop = {name}`"
                ),
            ));
        }
        Ok((Kind::Words(words), Format::default()))
    }

    /// Mean and standard deviation of the values that are present.
    fn moments(&self, sheet: &Sheet, column: &Planned, format: &Format, rows: &[usize]) -> Result<Kind> {
        let present = rows.iter().filter(|row| !self.absent.has(sheet.field(**row, column.place), true));
        let values = present.map(|row| {
            let text = sheet.field(*row, column.place);
            let wrong = || sheet.wrong(*row, &column.name, text, "a number, or `.target = classes`");
            format.number(text).ok_or_else(wrong)
        });
        Ok(moments(&values.collect::<Result<Vec<f64>>>()?))
    }
}

/// Mean and standard deviation. Values that are all equal give exactly that value, and 0.
fn moments(values: &[f64]) -> Kind {
    if let Some(first) = values.first().filter(|first| values.iter().all(|value| value == *first)) {
        return Kind::Number { mean: *first, deviation: 0.0 };
    }
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    Kind::Number { mean, deviation: variance.sqrt() }
}
