//! Builds a data set from one file, or from two.

use crate::number::Lacks;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::encoder::{Encoder, Places};
use super::plan::Plan;
use super::sheet::Sheet;
use super::{Kind, Table, fail, picture};
use crate::Result;
use crate::classes::alike;
use crate::npz::one_range;
use crate::reading::{Header, Missing, Reading, TEST_SHARE};
use crate::table::notices::Notices;
use wgrad::data::dataset::{Dataset, Split, TEST_STREAM, held_out, held_out_note, no_test_part};
use wgrad::words::{bytes, commas, counted};
use wgrad::{preprocessing::Preprocessing, words::hex};

/// Bytes of a table's values that may always be held in memory.
const ALWAYS: usize = 256 << 20;
/// Limit for larger tables, as a multiple of the size of their file.
const TIMES: usize = 64;

/// A file with the indices of its rows that are used.
struct Part {
    sheet: Sheet,
    places: Places,
    rows: Vec<usize>,
}

impl Part {
    fn label(&self) -> usize {
        self.places.label.unwrap_or(0)
    }

    /// The texts of the labels.
    fn labels(&self) -> impl Iterator<Item = &str> + Clone {
        self.rows.iter().map(|row| self.sheet.field(*row, self.label()))
    }
}

/// Loads a file, and a second one, if given, as its test part. Where `known` is given, it determines the encoding
/// of the columns. Data read for an existing network, without a test part, are evaluated with all their rows,
/// unless the network was trained on them.
///
/// # Errors
/// [`Error::Data`] with file, line and column; [`wgrad::Error::Option`] for a column that does not exist;
/// [`wgrad::Error::Io`].
///
/// [`Error::Data`]: crate::Error::Data
pub(crate) fn load(
    path: &Path,
    test: Option<&PathBuf>,
    reading: &Reading,
    known: Option<&Table>,
) -> Result<Dataset> {
    let own = reading.again.is_some_and(|again| again.own);
    let names = known.map(Table::names).unwrap_or_default();
    let mut sheet_reading = reading.clone();
    if own && known.is_some_and(|table| !table.absent.usual) && names.is_empty() {
        // The first version read a line with a number in it as a row.
        sheet_reading.header = Some(Header::No);
    }
    let sheet = Sheet::read(path, &sheet_reading, &names)?;
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let mut plan = match known {
        Some(table) => Plan::known(table),
        None => Plan::new(&sheet, reading, &mut Notices { notes: &mut notes, warnings: &mut warnings })?,
    };
    let mut part = |sheet: Sheet| -> Result<Part> {
        let places = plan.places(&sheet, true)?;
        let at = (&places.columns[..], places.label);
        warnings.extend(plan.by_place(&sheet));
        let rows = plan.complete(&sheet, at, reading.missing, &mut warnings)?;
        Ok(Part { sheet, places, rows })
    };
    notes.extend(sheet.notes.iter().cloned());
    notes.push(format!("read with {}", sheet.written));
    let train = part(sheet)?;
    let test = match test {
        Some(test) => notices(test, &train.sheet, &plan, reading, &mut notes)?.map(&mut part).transpose()?,
        None => None,
    };
    if known.is_none() {
        warnings.extend(plan.keep_classes(&train.sheet, &train.rows));
    }
    // Data other than the network's own training data are evaluated with all their rows.
    let others = reading.again.map_or(known.is_some(), |again| !again.own);
    let share = reading.test_share.unwrap_or(TEST_SHARE);
    let (train_rows, held) = match (others, &test) {
        (_, Some(_)) => (train.rows.clone(), Vec::new()),
        (true, None) => (train.rows.clone(), train.rows.clone()),
        (false, None) => {
            let labels = plan.rough_labels(&train.sheet, train.label(), &train.rows);
            let parts = held_out(&labels, plan.numbers, share, reading.split_seed, TEST_STREAM);
            let (kept, held) = parts.map_err(|next| {
                let next = plan.quantity.as_deref().filter(|_| share > 0.0 && share < 1.0).unwrap_or(next);
                fail(path, no_test_part(share, counted(labels.len(), "row"), next, &warnings))
            })?;
            notes.push(held_out_note(held.len(), train.rows.len(), share, reading.split_seed));
            let pick =
                |which: Vec<usize>| which.into_iter().map(|index| train.rows[index]).collect::<Vec<_>>();
            (pick(kept), pick(held))
        }
    };
    let test = match &test {
        Some(test) => (test, &test.rows[..]),
        None => (&train, &held[..]),
    };
    warnings.extend(plan.quantity.clone());
    let train = (&train, &train_rows[..]);
    let made = match &plan.picture {
        Some(_) => pictures(&plan, train, test, &mut warnings)?,
        None => {
            let notices = &mut Notices { notes: &mut notes, warnings: &mut warnings };
            columns(&plan, (known, reading), train, test, notices)?
        }
    };
    if plan.picture.is_some() && made.floats && !own && !std::ptr::eq(train.0, test.0) {
        let parts = [(train.0, &made.train), (test.0, &made.test)].map(|(part, split)| {
            let values =
                split.images.memory().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let range = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value.into()), most.max(value.into()))
            });
            (part.sheet.path.display().to_string(), range)
        });
        let named = parts.each_ref().map(|(name, range)| (name.as_str(), *range));
        one_range(&named).map_err(|message| fail(path, message))?;
    }
    let mut hash = Sha256::new();
    hash.update(train.0.sheet.digest);
    if !std::ptr::eq(train.0, test.0) {
        hash.update(test.0.sheet.digest);
    }
    if reading.missing == Missing::Drop || !reading.drop.is_empty() || reading.label.is_some() {
        hash.update(format!("{:?} {:?} {:?}", reading.missing, reading.drop, reading.label));
    }
    let said =
        (&reading.na, &reading.category, reading.header, reading.comment, reading.decimal, reading.shape);
    if said != (&Vec::new(), &Vec::new(), None, None, None, None) {
        hash.update(format!("{said:?}"));
    }
    if !reading.not_na.is_empty() {
        hash.update(format!("not na {:?}", reading.not_na));
    }
    let [height, width, channels] = made.shape;
    Ok(Dataset {
        name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        source: path.display().to_string(),
        height,
        width,
        channels,
        input: Preprocessing { floats: made.floats, numbers: plan.numbers, normalization: None },
        classes: made.classes,
        train: made.train,
        validation: None,
        test: made.test,
        digest: hex(&hash.finalize()),
        warnings,
        notes,
        table: made.table,
    })
}

/// Reads the file of a test part if it has labels; otherwise adds a note about its use.
fn notices(
    path: &Path,
    train: &Sheet,
    plan: &Plan,
    reading: &Reading,
    notes: &mut Vec<String>,
) -> Result<Option<Sheet>> {
    let names: Vec<&str> = match plan.named {
        true => plan.columns.iter().chain([&plan.label]).map(|column| column.name.as_str()).collect(),
        false => Vec::new(),
    };
    let sheet = Sheet::read(path, reading, &names)?;
    let label = match (plan.named, sheet.named) {
        (true, true) => sheet.named_column(&plan.label.name),
        _ if sheet.names.len() + 1 == train.names.len() => None,
        _ => Some(plan.label.place),
    };
    let numbers = plan.label.is_numbers();
    let has_value = |place| (0..sheet.len()).any(|row| !plan.absent.has(sheet.field(row, place), numbers));
    if label.is_some_and(has_value) {
        return Ok(Some(sheet));
    }
    notes.push(format!(
        "{} has no labels (no {} as in {}), so it is not used for evaluation; after the training, `Predictor::outputs({})` predicts them",
        path.display(),
        plan.label.name,
        train.path.display(),
        path.display()
    ));
    Ok(None)
}

/// The data set that a file's rows became.
struct Made {
    shape: [usize; 3],
    floats: bool,
    classes: Vec<String>,
    train: Split,
    test: Split,
    table: Option<Table>,
}

/// Encodes rows of standardised numbers, and of words with one value for each word.
fn columns(
    plan: &Plan,
    (known, reading): (Option<&Table>, &Reading),
    train: (&Part, &[usize]),
    test: (&Part, &[usize]),
    notices: &mut Notices<'_>,
) -> Result<Made> {
    let table = match known {
        Some(table) => table.clone(),
        None => plan.table(&train.0.sheet, train.1, notices)?,
    };
    let size = train.0.sheet.size + test.0.sheet.size;
    fits(&table, &train.0.sheet.path, train.1.len() + test.1.len(), size)?;
    let own = reading.again.is_some_and(|again| again.own);
    let mut split = |(part, rows): (&Part, &[usize])| -> Result<Split> {
        let mut encoder = Encoder::new(&table, reading.missing);
        let others = known.is_some() || !std::ptr::eq(part, train.0);
        if others && !own {
            encoder.decide(&part.sheet, &part.places.columns, part.places.label, reading.decimal)?;
        }
        let (mut values, mut labels) = (Vec::new(), Vec::with_capacity(rows.len()));
        let bytes = rows.len() * table.width() * size_of::<f32>();
        let enough = values.try_reserve_exact(bytes);
        enough.map_err(|e| {
            fail(&part.sheet.path, format!("takes {bytes} bytes as numbers, too many here ({e})"))
        })?;
        for &row in rows {
            encoder.encode(&part.sheet, row, &part.places.columns, &mut values)?;
            labels.push(encoder.label(&part.sheet, row, part.label())?);
        }
        notices.warnings.extend(encoder.warning(&part.sheet.path));
        Ok(Split { images: values.into(), labels: labels.into(), each: 1 })
    };
    let (train, test) = (split(train)?, split(test)?);
    let classes = match &table.label.kind {
        Kind::Words(classes) => classes.clone(),
        Kind::Number { .. } => Vec::new(),
    };
    Ok(Made { shape: [1, 1, table.width()], floats: true, classes, train, test, table: Some(table) })
}

/// Refuses a table that would take many times the memory of its file, and names the widest columns.
fn fits(table: &Table, path: &Path, rows: usize, size: usize) -> Result<()> {
    let needed = rows.saturating_mul(table.width()).saturating_mul(size_of::<f32>());
    if needed <= ALWAYS.max(size.saturating_mul(TIMES)) {
        return Ok(());
    }
    let mut widest: Vec<_> = table.columns.iter().map(|column| (column.kind.width(), &column.name)).collect();
    widest.sort_by(|a, b| b.cmp(a));
    let widest = widest.iter().take(3).map(|(width, name)| format!("{name} {}", commas(*width as u64)));
    Err(fail(
        path,
        format!(
            "its {} rows would become {} values each, {} in all: a value for every word (the most: {}, ...); leave such \
             columns out with `.drop`",
            commas(rows as u64),
            commas(table.width() as u64),
            bytes(needed as u64),
            widest.collect::<Vec<_>>().join(", ")
        ),
    ))
}

/// Encodes rows that are pictures.
fn pictures(
    plan: &Plan,
    train: (&Part, &[usize]),
    test: (&Part, &[usize]),
    warnings: &mut Vec<String>,
) -> Result<Made> {
    let Some(picture) = &plan.picture else {
        return Err(fail(&train.0.sheet.path, "holds no pictures".into()));
    };
    let both = [train.0, test.0];
    let classes = match plan.numbers {
        true => Vec::new(),
        false => picture::classes(both.into_iter().flat_map(Part::labels))
            .map_err(|message| fail(&train.0.sheet.path, message))?,
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    train.0.labels().for_each(|text| *counts.entry(text).or_default() += 1);
    let named =
        classes.iter().map(|class| (class.as_str(), counts.get(class.as_str()).copied().unwrap_or(0)));
    warnings.extend(alike(named).map(|words| format!("the label column {}: {words}", plan.label.name)));
    let split =
        |(part, rows): (&Part, &[usize])| -> Result<Split> {
            let (mut values, mut labels) = (Vec::new(), Vec::with_capacity(rows.len()));
            let bytes = rows.len() * picture.bytes();
            let enough = values.try_reserve_exact(bytes);
            enough.map_err(|e| {
                fail(&part.sheet.path, format!("takes {bytes} bytes as pictures, too many here ({e})"))
            })?;
            for &row in rows {
                picture.encode(&part.sheet, row, &part.places.columns, &mut values)?;
                let text = part.sheet.field(row, part.label());
                let label = match plan.numbers {
                    true => crate::number::plain(text).map(|value| (value as f32).to_bits()),
                    false => picture::class(&classes, text),
                };
                labels.push(label.ok_or_else(|| {
                    part.sheet.wrong(row, &plan.label.name, text, "a label like the others")
                })?);
            }
            Ok(Split { images: values.into(), labels: labels.into(), each: 1 })
        };
    let (train, test) = (split(train)?, split(test)?);
    Ok(Made { shape: picture.shape, floats: picture.floats, classes, train, test, table: None })
}
