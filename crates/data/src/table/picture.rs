//! Rows that are pictures: a label and a number for each pixel, a common form of MNIST and its successors. They go
//! into a network as the bytes of images, not as unrelated columns.

use std::collections::{BTreeSet, HashSet};

use super::fail;
use super::sheet::Sheet;
use crate::Result;
use crate::reading::{Reading, RowShape};
use crate::{number, table::column::MOST_CLASSES};

/// Numbers of columns that are pictures even if their names do not say so: MNIST's and CIFAR's.
const KNOWN: [(usize, [usize; 3]); 2] = [(784, [28, 28, 1]), (3072, [32, 32, 3])];
/// Smallest side of a picture that is recognised by the names of its pixels.
const SMALLEST: usize = 4;

/// The layout of a row that is a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// (height, width, channels).
    pub(super) shape: [usize; 3],
    /// The column of each value, in the order of the picture.
    pub(super) places: Vec<usize>,
    /// True if values are floats as they are; else they are bytes.
    pub(super) floats: bool,
}

/// The picture that the columns at `places` form, if the options say so or they look like one.
pub(super) fn of(
    sheet: &Sheet,
    places: &[usize],
    reading: &Reading,
    notes: &mut Vec<String>,
) -> Result<Option<Picture>> {
    let named = by_names(sheet, places);
    let (shape, places, why) = match (reading.shape, named) {
        (Some(RowShape::Table), _) => return Ok(None),
        (Some(RowShape::Picture(shape)), named) => {
            let size: usize = shape.iter().product();
            if size != places.len() {
                return Err(fail(
                    &sheet.path,
                    format!(
                        "has {} columns besides the label, expected {size} for `.shape = {},{},{}`; `.drop` leaves columns \
                         out",
                        places.len(),
                        shape[0],
                        shape[1],
                        shape[2]
                    ),
                ));
            }
            let places = named.map_or_else(|| places.to_vec(), |(_, places)| places);
            (shape, places, "as `.shape` says")
        }
        (None, Some((shape, places))) => (shape, places, "as its columns are called"),
        (None, None) => match KNOWN.iter().find(|(size, _)| *size == places.len()) {
            Some((_, shape)) if are_bytes(sheet, places) => {
                (*shape, places.to_vec(), "as its columns are as many bytes")
            }
            _ => return Ok(None),
        },
    };
    let floats = match reading.again {
        Some(again) => again.floats,
        None => !are_bytes(sheet, &places),
    };
    let [height, width, channels] = shape;
    let how = if floats { "numbers as they are, not bytes from 0 to 255" } else { "a byte each" };
    notes.push(format!(
        "each row is a picture of {height}×{width}×{channels} (height, width, channels, which come last), {why}, {how}; \
         `.shape = table` takes the columns one by one"
    ));
    Ok(Some(Picture { shape, places, floats }))
}

/// Shape and columns of a picture whose columns are called `pixel0`, `pixel1`, ... or `1x1`, `1x2`, ...
fn by_names(sheet: &Sheet, places: &[usize]) -> Option<([usize; 3], Vec<usize>)> {
    if !sheet.named || places.len() < SMALLEST * SMALLEST {
        return None;
    }
    let parts = places.iter().map(|place| Pixel::of(&sheet.names[*place]).map(|pixel| (pixel, *place)));
    let mut pixels = parts.collect::<Option<Vec<(Pixel, usize)>>>()?;
    pixels.sort_unstable();
    let (first, last) = (pixels.first()?.0, pixels.last()?.0);
    let count = pixels.len();
    let shape = match (first, last) {
        (Pixel::Number(first @ (0 | 1)), Pixel::Number(last)) if last - first + 1 == count => square(count)?,
        (Pixel::Cell(0, 0), Pixel::Cell(row, column)) => [row + 1, column + 1, 1],
        (Pixel::Cell(1, 1), Pixel::Cell(row, column)) => [row, column, 1],
        _ => return None,
    };
    let different: HashSet<Pixel> = pixels.iter().map(|(pixel, _)| *pixel).collect();
    let whole = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)) == Some(count);
    (whole && different.len() == count).then(|| (shape, pixels.into_iter().map(|(_, place)| place).collect()))
}

/// The pixel that a column's name denotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Pixel {
    /// By its number.
    Number(usize),
    /// By its row and column.
    Cell(usize, usize),
}

impl Pixel {
    fn of(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        if let Some((row, column)) = name.split_once('x')
            && let (Ok(row), Ok(column)) = (row.parse(), column.parse())
        {
            return Some(Self::Cell(row, column));
        }
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let word = &name[..name.len() - digits.len()];
        let word = word.trim_end_matches(['_', '-', ' ', '.', '[', '(']);
        let is_pixel = matches!(word, "p" | "px") || word.contains("pix");
        is_pixel.then(|| digits.trim_end_matches([']', ')']).parse().ok().map(Self::Number))?
    }
}

/// The shape of a square picture with this number of values, grey or in colour.
fn square(values: usize) -> Option<[usize; 3]> {
    [1, 3].into_iter().find_map(|channels| {
        let side = (values / channels).isqrt();
        (side >= SMALLEST && side * side * channels == values).then_some([side, side, channels])
    })
}

/// The label column of a table of pictures: the one column that is not a pixel. In a file without names whose rows
/// are a picture and a label, it is the first or the last column, whichever holds class numbers.
pub(super) fn label_beside(sheet: &Sheet, dropped: &HashSet<usize>) -> Result<Option<usize>> {
    let places: Vec<usize> = (0..sheet.names.len()).filter(|place| !dropped.contains(place)).collect();
    if sheet.named {
        let mut others = places.iter().filter(|place| Pixel::of(&sheet.names[**place]).is_none());
        let (one, more) = (others.next(), others.next());
        let enough = places.len() > SMALLEST * SMALLEST;
        return Ok(one.copied().filter(|_| more.is_none() && enough));
    }
    let (Some(first), Some(last)) = (places.first().copied(), places.last().copied()) else {
        return Ok(None);
    };
    if !KNOWN.iter().any(|(size, _)| size + 1 == places.len()) || !are_bytes(sheet, &places[1..]) {
        return Ok(None);
    }
    match [first, last].map(|place| numbers_classes(sheet, place)) {
        [true, false] => Ok(Some(first)),
        [false, true] => Ok(Some(last)),
        _ => Err(fail(
            &sheet.path,
            format!(
                "has {} columns without names; choose the label: `.label = 0` or `.label = -1`",
                places.len()
            ),
        )),
    }
}

/// True if the values of a column are all the whole numbers from 0 (or 1) to some number.
fn numbers_classes(sheet: &Sheet, place: usize) -> bool {
    let values: Option<BTreeSet<u32>> =
        (0..sheet.len()).map(|row| sheet.field(row, place).parse().ok()).collect();
    let Some(values) = values else { return false };
    match (values.first(), values.last()) {
        (Some(first @ (0 | 1)), Some(last)) => {
            values.len() > 1 && (last - first + 1) as usize == values.len()
        }
        _ => false,
    }
}

/// A field as a byte: a whole number from 0 to 255.
fn byte(text: &str) -> Option<u8> {
    let whole = || number::plain(text).filter(|value| value.fract() == 0.0 && (0.0..=255.0).contains(value));
    text.parse().ok().or_else(|| whole().map(|value| value as u8))
}

/// True if all values at `places` are bytes or empty, and not all of them 0 or 1.
fn are_bytes(sheet: &Sheet, places: &[usize]) -> bool {
    let mut most = 0;
    for row in 0..sheet.len() {
        for place in places {
            let text = sheet.field(row, *place);
            match byte(text) {
                Some(value) => most = most.max(value),
                None if text.is_empty() => {}
                None => return false,
            }
        }
    }
    most > 1
}

impl Picture {
    /// Appends the values of a row, from the columns in `places`.
    pub(super) fn encode(
        &self,
        sheet: &Sheet,
        row: usize,
        places: &[usize],
        values: &mut Vec<u8>,
    ) -> Result<()> {
        for place in places {
            let text = sheet.field(row, *place);
            let name = &sheet.names[*place];
            if self.floats {
                let value = number::plain(text).ok_or_else(|| sheet.wrong(row, name, text, "a number"))?;
                values.extend_from_slice(&(value as f32).to_le_bytes());
            } else {
                let expected = "a whole number from 0 to 255, as the others are";
                values.push(byte(text).ok_or_else(|| sheet.wrong(row, name, text, expected))?);
            }
        }
        Ok(())
    }

    /// Number of bytes that a row becomes.
    pub(super) fn bytes(&self) -> usize {
        self.places.len() * if self.floats { size_of::<f32>() } else { 1 }
    }
}

/// The class names of the labels. Words are sorted alphabetically; whole numbers are the classes themselves, so
/// that they mean the same in another file.
pub(super) fn classes<'a>(
    labels: impl Iterator<Item = &'a str> + Clone,
) -> std::result::Result<Vec<String>, String> {
    let whole = |text: &str| {
        let value = number::plain(text).filter(|value| value.fract() == 0.0)?;
        (0.0..MOST_CLASSES as f64).contains(&value).then_some(value as usize)
    };
    let numbers = labels.clone().map(whole).try_fold(0, |most, number| Some(most.max(number? + 1)));
    if let Some(count) = numbers {
        return Ok((0..count).map(|class| class.to_string()).collect());
    }
    let words: BTreeSet<&str> = labels.collect();
    match words.len() {
        ..=MOST_CLASSES => Ok(words.into_iter().map(String::from).collect()),
        more => {
            Err(format!("the labels are {more} different words, expected at most {MOST_CLASSES} classes"))
        }
    }
}

/// The class number of a label.
pub(super) fn class(classes: &[String], text: &str) -> Option<u32> {
    let whole = || number::plain(text).filter(|value| value.fract() == 0.0).map(|value| value.to_string());
    let place = |text: &str| classes.binary_search_by(|class| class.as_str().cmp(text)).ok();
    let numbered = || {
        let class = whole()?.parse::<usize>().ok()?;
        classes.get(class).filter(|name| **name == class.to_string()).map(|_| class)
    };
    numbered().or_else(|| place(text)).map(|class| class as u32)
}
