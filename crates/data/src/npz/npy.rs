//! Reader for numpy arrays in the `.npy` format
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>), versions 1 to 3. Of
//! objects, it reads lists of whole numbers; it does not support complex numbers, half precision, or Fortran order.

use super::lists;
use std::io::Read;

/// Maximum length of a header in bytes.
const LONGEST_HEADER: usize = 1 << 16;
/// Maximum number of letters of a text.
const LONGEST_WORD: usize = 4096;
/// Largest buffer in bytes that is allocated from a header's sizes alone, before the bytes are seen.
const TRUSTED_CAPACITY: usize = 64 << 20;

/// Elements of an array, in the type in which they are used: bytes stay bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// Other integers.
    Integers(Vec<i64>),
    /// Floats.
    Floats(Vec<f64>),
    /// Texts, which labels may be.
    Words(Vec<String>),
    /// Lists of whole numbers, which may differ in length.
    Lists(Vec<Vec<i64>>),
}

impl Elements {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Words(values) => values.len(),
            Self::Lists(values) => values.len(),
        }
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `index` as a number; NaN for a text or a list. Panics where there is no such element.
    pub(super) fn number(&self, index: usize) -> f64 {
        match self {
            Self::Bytes(values) => f64::from(values[index]),
            Self::Integers(values) => values[index] as f64,
            Self::Floats(values) => values[index],
            Self::Words(_) | Self::Lists(_) => f64::NAN,
        }
    }
}

/// An array.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// The elements, the last size innermost.
    pub elements: Elements,
}

/// Reads an array in the `.npy` format. Errors are in words.
///
/// # Errors
/// The value found and the one expected, where it is not an array or its kind is not supported.
pub fn parse(reader: impl Read) -> std::result::Result<Array, String> {
    parse_within(reader, &mut { u64::MAX })
}

/// Reads an array of at most `most` bytes as [`parse`] does, and subtracts its size from `most`.
///
/// # Errors
/// The errors of [`parse`], and an error where the array is larger.
pub fn parse_within(mut reader: impl Read, most: &mut u64) -> std::result::Result<Array, String> {
    let header = header(&mut reader)?;
    let (kind, width, big) = descriptor(&header)?;
    if value(&header, "fortran_order").is_some_and(|order| order.starts_with("True")) {
        return Err("an array in Fortran order; save np.ascontiguousarray(array)".to_owned());
    }
    let shape = shape(&header)?;
    if kind == 'O' {
        let [count] = shape[..] else {
            return Err(format!(
                "objects of shape {shape:?}, expected one axis of lists; save array.astype(\"float32\")"
            ));
        };
        return Ok(Array { shape, elements: Elements::Lists(lists::parse(reader, count, most)?) });
    }
    let elements = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let Some(length) = elements.and_then(|elements| elements.checked_mul(width)) else {
        return Err(format!("the shape {shape:?}, which no file can hold"));
    };
    *most = most.checked_sub(length as u64).ok_or_else(|| {
        format!(
            "{length} bytes of elements for the shape {shape:?}, far more than the size of the file suggests; if it is \
             correct, save it without compression, with np.savez"
        )
    })?;
    let mut bytes = Vec::with_capacity(length.min(TRUSTED_CAPACITY));
    reader.take(length as u64).read_to_end(&mut bytes).map_err(|e| format!("a damaged array ({e})"))?;
    if bytes.len() < length {
        return Err(format!(
            "{} bytes of elements, expected {length} for the shape {shape:?}: it is truncated",
            bytes.len()
        ));
    }
    Ok(Array { shape, elements: elements_of(&bytes, kind, width, big)? })
}

fn header(reader: &mut impl Read) -> std::result::Result<String, String> {
    let mut take = |count: usize| {
        let mut bytes = vec![0; count];
        reader.read_exact(&mut bytes).map(|()| bytes).map_err(|e| format!("a damaged header ({e})"))
    };
    let start = take(8)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(format!("not a numpy array: it starts with {:02x?}", &start[..6]));
    }
    let length = match start[6] {
        1 => take(2)?.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        2 | 3 => take(4)?.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        other => return Err(format!("version {other} of the format, expected 1 to 3")),
    };
    if length > LONGEST_HEADER {
        return Err(format!("a header of {length} bytes, expected at most {LONGEST_HEADER}"));
    }
    String::from_utf8(take(length)?).map_err(|_| "a header that is not text".to_owned())
}

/// The text after a key in the header, which is a Python dictionary literal.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|quoted| header.find(quoted.as_str()).map(|at| at + quoted.len()))?;
    Some(header.get(at..)?.trim_start().strip_prefix(':')?.trim_start())
}

/// The kind of the elements (`u`, `i`, `f`, `U`, `S`, `O`), their size in bytes, and true if they are big-endian.
fn descriptor(header: &str) -> std::result::Result<(char, usize, bool), String> {
    let text = value(header, "descr").ok_or("a header without a type")?;
    let text: String = text.chars().skip(1).take_while(|c| !matches!(c, '\'' | '"' | ',')).collect();
    let mut characters = text.chars();
    let (order, kind) = (characters.next(), characters.next());
    let width = characters.as_str().parse::<usize>().ok();
    match (order, kind, width) {
        (Some('<' | '|' | '>' | '='), Some(kind @ ('u' | 'i')), Some(width @ (1 | 2 | 4 | 8))) => {
            Ok((kind, width, order == Some('>')))
        }
        (Some('<' | '>' | '='), Some('f'), Some(width @ (4 | 8))) => Ok(('f', width, order == Some('>'))),
        (Some('|'), Some('b'), Some(1)) => Ok(('u', 1, false)),
        // The number counts letters: of four bytes each for `U`, of one byte for `S`.
        (Some('<' | '>' | '=' | '|'), Some(kind @ ('U' | 'S')), Some(letters @ ..=LONGEST_WORD)) => {
            Ok((kind, if kind == 'U' { 4 * letters } else { letters }, order == Some('>')))
        }
        (_, Some('O'), _) => Ok(('O', 0, false)),
        _ => Err(format!(
            "elements of type {text}, expected integers of 1 to 8 bytes, float32 or float64; save array.astype(\"float32\")"
        )),
    }
}

fn shape(header: &str) -> std::result::Result<Vec<usize>, String> {
    let text =
        value(header, "shape").and_then(|text| text.strip_prefix('(')?.split_once(')')).map(|(text, _)| text);
    let text = text.ok_or("a header without a shape")?;
    let sizes = text.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().map_err(|_| format!("the shape ({text})"))).collect()
}

fn elements_of(bytes: &[u8], kind: char, width: usize, big: bool) -> std::result::Result<Elements, String> {
    let word = |bytes: &[u8]| -> u64 {
        let join = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        if big { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    };
    if matches!(kind, 'U' | 'S') {
        return texts(bytes, kind == 'U', width, big).map(Elements::Words);
    }
    let words = bytes.chunks_exact(width).map(word);
    Ok(match (kind, width) {
        ('u', 1) => Elements::Bytes(bytes.to_vec()),
        ('u', _) => {
            let narrow =
                |word: u64| i64::try_from(word).map_err(|_| format!("the number {word}, which is too large"));
            Elements::Integers(words.map(narrow).collect::<std::result::Result<_, _>>()?)
        }
        ('i', _) => {
            let unused = 64 - 8 * width as u32;
            Elements::Integers(words.map(|word| (word << unused) as i64 >> unused).collect())
        }
        (_, 4) => Elements::Floats(words.map(|word| f64::from(f32::from_bits(word as u32))).collect()),
        _ => Elements::Floats(words.map(f64::from_bits).collect()),
    })
}

/// Texts of `width` bytes each, padded with zeros: UTF-32 letters, or UTF-8.
fn texts(bytes: &[u8], wide: bool, width: usize, big: bool) -> std::result::Result<Vec<String>, String> {
    if width == 0 {
        return Err("texts of zero length".to_owned());
    }
    let letter = |bytes: &[u8; 4]| {
        let code = if big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        char::from_u32(code).ok_or_else(|| format!("the letter {code:#x}, which does not exist"))
    };
    let text = |bytes: &[u8]| match wide {
        true => bytes.as_chunks::<4>().0.iter().map(letter).collect::<std::result::Result<String, String>>(),
        false => {
            std::str::from_utf8(bytes).map(String::from).map_err(|_| "a text that is not UTF-8".to_owned())
        }
    };
    let trimmed = |bytes| text(bytes).map(|text| text.trim_end_matches('\0').trim().to_owned());
    bytes.chunks_exact(width).map(trimmed).collect()
}
