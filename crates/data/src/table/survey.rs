//! Surveys the content of a file's columns: words, or numbers and their format. A column that is mostly numbers
//! counts as one of numbers; its other fields are reported as errors and never become words.

use crate::number::{Lacks, Parse};
use crate::{Error, Result};
use crate::{
    number::{Readings, SIGNS, beyond},
    table::{
        column::{FEW, Holds},
        notices::{LONG, NAMED, Notices, first_of},
    },
};
use std::collections::{BTreeMap, HashSet};
use wgrad::{
    data::schema::{Absent, Format},
    words::{commas, counted, quoted, shortened},
};

use super::{fail, sheet::Sheet};
use crate::reading::Decimal;

/// Maximum number of texts that a suggested option lists.
const MOST_TEXTS: usize = 20;

/// Counts of a column's fields.
#[derive(Default)]
struct Tally {
    /// Number of fields with a value, if it is a column of numbers.
    present: usize,
    /// Number of fields with a value, if it is a column of words.
    words: usize,
    /// Number of fields that read as a number, by their sign: in any format, plainly, with a decimal point, with a
    /// decimal comma.
    readings: [[usize; 4]; SIGNS.len() + 1],
    /// Texts that mean no value only among numbers, with their count and first row.
    absent: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    fn of(sheet: &Sheet, column: usize, absent: &Absent) -> Self {
        let mut tally = Self::default();
        for row in 0..sheet.len() {
            let text = sheet.field(row, column);
            let among_words = absent.has(text, false);
            tally.words += usize::from(!among_words);
            if among_words {
                continue;
            }
            if absent.has(text, true) {
                tally.absent.entry(text.to_owned()).or_insert((0, row)).0 += 1;
                continue;
            }
            tally.present += 1;
            let found = Readings::of(text);
            let counts = &mut tally.readings[found.sign.map_or(0, |sign| sign + 1)];
            // An infinite or too large number does not make a column one of words either.
            let any = found.any() || beyond(text).is_some();
            for (count, is) in counts.iter_mut().zip([any, found.plain, found.point, found.comma]) {
                *count += usize::from(is);
            }
        }
        tally
    }

    /// The sign of most numbers, as its index in [`SIGNS`] plus 1, with their counts.
    fn sign(&self) -> (usize, [usize; 4]) {
        let all = self.readings.into_iter().enumerate().rev();
        all.max_by_key(|(_, counts)| counts[0]).unwrap_or_default()
    }

    fn is_numbers(&self) -> bool {
        let numbers: usize = self.readings.iter().map(|counts| counts[0]).sum();
        numbers > 0 && numbers * 2 > self.present
    }
}

/// Rules for the survey of columns.
pub(super) struct Rules<'a> {
    pub(super) absent: &'a Absent,
    pub(super) decimal: Option<Decimal>,
    /// Columns of words, even if their fields look like numbers.
    pub(super) category: &'a HashSet<usize>,
    /// The label column, whose words are classes.
    pub(super) label: usize,
}

/// The content of each of `columns`. Fields that are not numbers, in a column of numbers, are an error that names
/// their lines.
pub(super) fn survey(
    sheet: &Sheet,
    columns: &[usize],
    rules: &Rules<'_>,
    notices: &mut Notices<'_>,
) -> Result<Vec<Holds>> {
    let tallies: Vec<Tally> = columns.iter().map(|column| Tally::of(sheet, *column, rules.absent)).collect();
    // The decimal separators of the unambiguous columns.
    let mut file = Marks::default();
    for tally in tallies.iter().filter(|tally| tally.is_numbers()) {
        let (_, [_, plain, point, comma]) = tally.sign();
        file.comma += usize::from(comma > point.max(plain));
        file.point += usize::from(point.max(plain) > comma);
    }
    let mut all = Vec::with_capacity(columns.len());
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let mut formats: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (column, tally) in columns.iter().copied().zip(&tallies) {
        let name = sheet.names[column].as_str();
        let holds = match () {
            () if tally.words == 0 => Holds::Nothing,
            () if rules.category.contains(&column) => Holds::Words,
            () if tally.is_numbers() => Holds::Numbers(format(sheet, column, tally, file, rules)?),
            () if tally.present == 0 => Holds::Nothing,
            () => Holds::Words,
        };
        match &holds {
            Holds::Numbers(format) => {
                if !format.is_default() {
                    formats.entry(format.in_words()).or_default().push(name);
                }
                for (text, (count, row)) in &tally.absent {
                    notes.push(format!(
                        "column {name}: {text:?} means no value, on {} (the first: line {})",
                        counted(*count, "line"),
                        sheet.line(*row)
                    ));
                }
            }
            Holds::Words if column != rules.label && !rules.category.contains(&column) => {
                warnings.extend(words(sheet, column, tally, rules))
            }
            _ => {}
        }
        all.push(holds);
    }
    first_of(notes, notices.notes);
    first_of(warnings, notices.warnings);
    for (words, names) in formats {
        let names: Vec<String> = names.into_iter().map(String::from).collect();
        notices.notes.push(format!("numbers {words}: {}", crate::table::notices::some(&names)));
    }
    Ok(all)
}

/// The format of a column's numbers.
fn format(sheet: &Sheet, column: usize, tally: &Tally, file: Marks, rules: &Rules<'_>) -> Result<Format> {
    let (sign, [any, plain, point, comma]) = tally.sign();
    let sign = sign.checked_sub(1).map(|place| SIGNS[place].to_owned());
    let of = |comma, grouped| Format { comma, grouped, sign: sign.clone() };
    let found = TwoWays::of(sheet, column, sign.as_deref(), point == comma);
    let of_point = of(false, plain < point);
    let format = match rules.decimal {
        // Where only the other separator fits all numbers of the column, it is used.
        Some(Decimal::Comma) if comma < any && point == any => of_point,
        Some(Decimal::Point) if point < any && comma == any => of(true, true),
        Some(Decimal::Comma) => of(true, true),
        Some(Decimal::Point) => of_point,
        None => match found {
            // Three digits follow each point: commas in another column do not show what the points mean.
            TwoWays { pointed: Some(text), commaed } if commaed.is_some() || file.asks_points(sheet) => {
                return Err(asked(sheet, column, text));
            }
            TwoWays { pointed: None, commaed: Some(text) } if file.asks_commas(sheet) => {
                return Err(asked(sheet, column, text));
            }
            _ if plain >= point && plain >= comma => of(false, false),
            _ if point > comma => of(false, true),
            _ if comma > point => of(true, true),
            // Either the separator of the groups fits both formats, as an apostrophe does, or the file decides.
            _ => of(file.decimal() == Some(Decimal::Comma), true),
        },
    };
    let odd: Vec<usize> = (0..sheet.len())
        .filter(|row| {
            let text = sheet.field(*row, column);
            !rules.absent.has(text, true) && format.number(text).is_none()
        })
        .collect();
    if odd.is_empty() {
        return Ok(format);
    }
    let signs = signs(sheet, column, tally);
    Err(fail(&sheet.path, signs.unwrap_or_else(|| mixed(sheet, column, &odd, tally.present, rules.absent))))
}

/// Numbers of unambiguous columns with a decimal comma and with a decimal point.
#[derive(Clone, Copy, Default)]
struct Marks {
    comma: usize,
    point: usize,
}

impl Marks {
    fn decimal(self) -> Option<Decimal> {
        match (self.comma, self.point) {
            (1.., 0) => Some(Decimal::Comma),
            (0, 1..) => Some(Decimal::Point),
            _ => None,
        }
    }

    /// True if the user must decide about points before three digits. In a file with commas between fields, points
    /// are decimal points unless another column has decimal commas.
    fn asks_points(self, sheet: &Sheet) -> bool {
        self.comma > 0 || self.point == 0 && sheet.delimiter != b','
    }

    /// True if the user must decide about commas before three digits. In a file with decimal points, commas group
    /// digits; but between semicolons, both formats are common.
    fn asks_commas(self, sheet: &Sheet) -> bool {
        match self.decimal() {
            None => true,
            Some(Decimal::Point) => sheet.delimiter == b';',
            Some(Decimal::Comma) => false,
        }
    }
}

/// The first numbers of a column that have a different value with a decimal point than with a decimal comma.
#[derive(Default)]
pub(super) struct TwoWays<'a> {
    /// The first such number that contains a point.
    pub(super) pointed: Option<&'a str>,
    /// The first such number that contains a comma.
    commaed: Option<&'a str>,
}

impl<'a> TwoWays<'a> {
    /// Finds them; empty where some number of the column fits only one of the formats, or where `possible` is
    /// false.
    pub(super) fn of(sheet: &'a Sheet, column: usize, sign: Option<&str>, possible: bool) -> Self {
        let mut found = Self::default();
        if !possible {
            return found;
        }
        let [point, comma] =
            [false, true].map(|comma| Format { comma, grouped: true, sign: sign.map(String::from) });
        for text in (0..sheet.len()).map(|row| sheet.field(row, column)) {
            if !text.contains(['.', ',']) {
                continue;
            }
            match (point.number(text), comma.number(text)) {
                (Some(point), Some(comma)) if point != comma => {
                    let first = if text.contains('.') { &mut found.pointed } else { &mut found.commaed };
                    first.get_or_insert(text);
                }
                (Some(_), None) | (None, Some(_)) => return Self::default(),
                _ => {}
            }
        }
        found
    }
}

/// The error that asks for the decimal separator.
fn asked(sheet: &Sheet, column: usize, text: &str) -> Error {
    let [before, between] = match text.contains('.') {
        true => ["point", "comma"],
        false => ["comma", "point"],
    };
    let name = &sheet.names[column];
    fail(
        &sheet.path,
        format!(
            "column {name}: {text:?} can be read in two ways; say `.decimal = {before}` if the {before} is the decimal \
             sign, `.decimal = {between}` if it groups digits"
        ),
    )
}

/// The error where numbers of a column have several signs, or some have one and others none.
fn signs(sheet: &Sheet, column: usize, tally: &Tally) -> Option<String> {
    let name = &sheet.names[column];
    let signs: Vec<usize> = (0..tally.readings.len()).filter(|sign| tally.readings[*sign][0] > 0).collect();
    let named = signs.iter().map(|sign| {
        let is = |row: &usize| {
            let found = Readings::of(sheet.field(*row, column));
            found.any() && found.sign.map_or(0, |sign| sign + 1) == *sign
        };
        let row = (0..sheet.len()).find(is).unwrap_or_default();
        format!(
            "{} on {} of {}, first line {} ({:?})",
            sign.checked_sub(1).map_or("no sign", |place| SIGNS[place]),
            commas(tally.readings[*sign][0] as u64),
            counted(tally.present, "line"),
            sheet.line(row),
            sheet.field(row, column)
        )
    });
    (signs.len() > 1).then(|| {
        format!(
            "column {name} holds numbers with {}; expected one sign, or none, on all lines: bring all to one unit and write \
             them alike, or say `.category = {name}` if the column holds categories, or `.drop = {name}`",
            named.collect::<Vec<_>>().join("; with ")
        )
    })
}

/// The error where a column of numbers also holds other texts.
fn mixed(sheet: &Sheet, column: usize, odd: &[usize], present: usize, absent: &Absent) -> String {
    let name = &sheet.names[column];
    let shown = |row: &usize| {
        let text = sheet.field(*row, column);
        let what = beyond(text).map_or(String::new(), |what| format!(", which is {what}"));
        format!("line {} ({:?}{what})", sheet.line(*row), shortened(text, LONG))
    };
    let named: Vec<String> = odd.iter().take(NAMED).map(shown).collect();
    let more = if odd.len() > NAMED { ", ..." } else { "" };
    let mut texts: Vec<&str> = odd.iter().map(|row| sheet.field(*row, column)).collect();
    texts.sort_unstable();
    texts.dedup();
    // The suggested option lists all texts, including those given before, as it may be given only once.
    let all: Vec<&str> = absent.said.iter().map(String::as_str).chain(texts.iter().copied()).collect();
    let na = match () {
        () if texts.iter().any(|text| text.contains(',')) => {
            "leave the field empty where there is no value (`.na` takes no text with a comma)".to_owned()
        }
        () if texts.len() > MOST_TEXTS => format!(
            "leave the field empty where there is no value (these are {} texts, too many for `.na`)",
            commas(texts.len() as u64)
        ),
        () if texts.iter().any(|text| text.len() > LONG) => {
            "leave the field empty where there is no value (`.na` takes shorter texts)".to_owned()
        }
        () => format!("say `.na = {}` if that means that there is no value", quoted(&all.join(","))),
    };
    format!(
        "column {name} holds numbers on {} of {}, and none on {}{more}; fix these, or {na}, `.category = {name}` if the \
         column holds categories, or `.drop = {name}`",
        commas((present - odd.len()) as u64),
        counted(present, "line"),
        named.join(", ")
    )
}

/// The warning about a column of words that may have been meant otherwise.
fn words(sheet: &Sheet, column: usize, tally: &Tally, rules: &Rules<'_>) -> Option<String> {
    let name = &sheet.names[column];
    let numbers: usize = tally.readings.iter().map(|counts| counts[0]).sum();
    if numbers > 0 {
        let first = (0..sheet.len()).find(|row| Readings::of(sheet.field(*row, column)).any());
        return Some(format!(
            "column {name} is taken as words, but {} of its {} values are numbers (the first: line {}); say `.category = \
             {name}` if it holds categories, or `.na` with the text that means that there is no value",
            commas(numbers as u64),
            commas(tally.words as u64),
            first.map_or(0, |row| sheet.line(row))
        ));
    }
    let present = (0..sheet.len()).map(|row| sheet.field(row, column));
    let different: HashSet<&str> = present.filter(|text| !rules.absent.has(text, false)).collect();
    let digit =
        |text: &&&str| text.trim_start_matches(['-', '+', '(']).starts_with(|c: char| c.is_ascii_digit());
    let digits = different.iter().filter(digit).count();
    let like = match () {
        () if different.len() <= FEW => return None,
        () if digits * 2 > different.len() => {
            "which begin with digits: dates, or numbers with something after them?"
        }
        () if different.len() * 2 > tally.words => "most of which occur once: names?",
        () => return None,
    };
    let one = different.iter().min().copied().unwrap_or_default();
    Some(format!(
        "column {name} becomes {} words, such as {:?}, {like} Say `.category = {name}` if it holds categories, else leave \
         it out with `.drop = {name}`",
        commas(different.len() as u64),
        shortened(one, LONG)
    ))
}
