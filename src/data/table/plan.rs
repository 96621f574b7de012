//! Which columns go into a network and how, found out from the rows of the training part.

use std::collections::BTreeSet;

use super::super::reading::{Missing, Reading, Target};
use super::sheet::Sheet;
use super::{Column, Kind, Label, Table, fail};
use crate::Result;
use crate::report::words::counted;

/// Names by which a label column is known where nobody says which it is.
const LABELS: [&str; 5] = ["label", "target", "class", "y", "species"];
/// A column of whole numbers with at most so many different ones tells classes.
const FEW: usize = 20;
/// A column of more words than this is no category.
const MOST_WORDS: usize = 1000;
/// How many missing values an error names.
const NAMED: usize = 5;

/// Whether a field says that there is no value.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "N/A" | "na" | "NaN" | "nan" | "NULL" | "null" | "None" | "?")
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && value.abs() < f64::from(f32::MAX))
}

/// The first of some names.
pub(super) fn some(names: &[String]) -> String {
    let more = if names.len() > 12 { ", ..." } else { "" };
    names.iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// Which columns there are, before it is known which rows are the training part.
pub(super) struct Plan {
    /// Name and place of each column that goes in.
    columns: Vec<(String, usize)>,
    label: (String, usize),
    /// Whether labels are numbers.
    pub(super) numbers: bool,
}

impl Plan {
    pub(super) fn new(
        sheet: &Sheet,
        reading: &Reading,
        known: Option<&Table>,
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        if let Some(table) = known {
            let columns = table.columns.iter().map(|column| (column.name.clone(), column.place)).collect();
            let numbers = matches!(table.label.kind, Kind::Number { .. });
            return Ok(Self { columns, label: (table.label.name.clone(), table.label.place), numbers });
        }
        let columns = sheet.names.len();
        let label = match &reading.label {
            Some(text) => sheet.column("--label", text)?,
            None => {
                let named = |name: &&str| sheet.names.iter().position(|known| known.to_lowercase() == **name);
                let place = LABELS.iter().find_map(named).unwrap_or(columns - 1);
                notes
                    .push(format!("the label is the column {}; `--label` takes another", sheet.names[place]));
                place
            }
        };
        let dropped: Vec<usize> =
            reading.drop.iter().map(|text| sheet.column("--drop", text)).collect::<Result<_>>()?;
        let places = (0..columns).filter(|place| *place != label && !dropped.contains(place));
        let plan = Self {
            columns: places.map(|place| (sheet.names[place].clone(), place)).collect(),
            label: (sheet.names[label].clone(), label),
            numbers: match reading.target {
                Some(target) => target == Target::Number,
                None => tells_numbers(sheet, label),
            },
        };
        if plan.columns.is_empty() {
            return Err(fail(&sheet.path, "has no column besides the label, expected at least one".into()));
        }
        Ok(plan)
    }

    /// The rows that have all their values. Others are an error, or left out, or, but for their label, taken all the
    /// same.
    pub(super) fn complete(
        &self,
        sheet: &Sheet,
        missing: Missing,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<usize>> {
        let place = |(name, place): &(String, usize)| sheet.place(name, *place);
        let places: Vec<usize> = self.columns.iter().map(place).collect::<Result<_>>()?;
        let label = place(&self.label)?;
        let (mut rows, mut wanting, mut count) = (Vec::new(), Vec::new(), 0);
        for row in 0..sheet.len() {
            let lacks = |place: &usize| is_missing(sheet.field(row, *place));
            let needed = places.iter().filter(|_| missing != Missing::Mean).chain([&label]);
            let lacking: Vec<usize> = needed.copied().filter(|place| lacks(place)).collect();
            if lacking.is_empty() {
                rows.push(row);
                continue;
            }
            count += 1;
            if wanting.len() < NAMED {
                let names: Vec<&str> = lacking.iter().map(|place| sheet.names[*place].as_str()).collect();
                wanting.push(format!("line {} ({})", sheet.line(row), names.join(", ")));
            }
        }
        let more = if count > wanting.len() { ", ..." } else { "" };
        let which = format!("{}{more}", wanting.join(", "));
        if count > 0 && missing != Missing::Drop {
            return Err(fail(
                &sheet.path,
                format!(
                    "{} without all values: {which}; mend them, or say `--missing drop` to leave these lines out or \
                     `--missing mean` to take the mean of the column (labels cannot be guessed)",
                    counted(count, "line")
                ),
            ));
        }
        if count > 0 {
            warnings.push(format!(
                "{}: {} without all values left out: {which}",
                sheet.path.display(),
                counted(count, "line")
            ));
        }
        if rows.is_empty() {
            return Err(fail(&sheet.path, "has no line with all its values, expected at least one".into()));
        }
        Ok(rows)
    }

    /// Numbers that tell classes apart, to hold out the same share of each; 0 for numbers.
    pub(super) fn rough_labels(&self, sheet: &Sheet, rows: &[usize]) -> Vec<u32> {
        let text = |row: &usize| sheet.field(*row, self.label.1);
        let all: BTreeSet<&str> = rows.iter().map(text).collect();
        let place = |text| if self.numbers { 0 } else { all.range(..text).count() };
        let places: std::collections::BTreeMap<&str, u32> =
            all.iter().map(|text| (*text, place(*text) as u32)).collect();
        rows.iter().map(|row| places.get(text(row)).copied().unwrap_or(0)).collect()
    }

    /// How the columns become numbers, by the rows of the training part.
    pub(super) fn table(&self, sheet: &Sheet, rows: &[usize]) -> Result<Table> {
        let columns = self.columns.iter().map(|(name, place)| {
            Ok(Column { name: name.clone(), place: *place, kind: kind(sheet, name, *place, rows)? })
        });
        let (name, place) = self.label.clone();
        let kind = match self.numbers {
            true => {
                let values = rows.iter().map(|row| {
                    let text = sheet.field(*row, place);
                    number(text)
                        .ok_or_else(|| sheet.wrong(*row, &name, text, "a number, or `--target classes`"))
                });
                moments(&values.collect::<Result<Vec<f64>>>()?)
            }
            // Every class that there is, in whichever part.
            false => Kind::Words(words(sheet, place, 0..sheet.len())),
        };
        Ok(Table { columns: columns.collect::<Result<_>>()?, label: Label { name, place, kind } })
    }
}

/// Whether the labels of a column are numbers rather than classes.
fn tells_numbers(sheet: &Sheet, place: usize) -> bool {
    let mut different = BTreeSet::new();
    for row in 0..sheet.len() {
        let text = sheet.field(row, place);
        match number(text) {
            _ if is_missing(text) => {}
            None => return false,
            Some(value) if value.fract() != 0.0 => return true,
            Some(_) => drop(different.insert(text)),
        }
    }
    different.len() > FEW
}

/// The different words of a column: in the order of numbers where they are such, else of the alphabet.
fn words(sheet: &Sheet, place: usize, rows: impl Iterator<Item = usize>) -> Vec<String> {
    let all: BTreeSet<&str> =
        rows.map(|row| sheet.field(row, place)).filter(|text| !is_missing(text)).collect();
    let mut words: Vec<String> = all.into_iter().map(String::from).collect();
    if words.iter().all(|word| number(word).is_some()) {
        words.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
    }
    words
}

fn kind(sheet: &Sheet, name: &str, place: usize, rows: &[usize]) -> Result<Kind> {
    let present = || rows.iter().map(|row| sheet.field(*row, place)).filter(|text| !is_missing(text));
    let numbers: Option<Vec<f64>> = present().map(number).collect();
    if let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) {
        return Ok(moments(&numbers));
    }
    let words = words(sheet, place, rows.iter().copied());
    if words.len() > MOST_WORDS || words.is_empty() {
        let count = words.len();
        return Err(fail(
            &sheet.path,
            format!(
                "column {name} has {count} different words, expected 1 to {MOST_WORDS} categories; leave it out with \
                     `--drop {name}`"
            ),
        ));
    }
    Ok(Kind::Words(words))
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> Kind {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    Kind::Number { mean, deviation: variance.sqrt() }
}
