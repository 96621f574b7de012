//! Text files from any editor and system: byte order marks are skipped, UTF-16 and UTF-32 are decoded.

use crate::{Error, Result, error::io_error};
use std::{fs::File, io::Read, path::Path};

/// Maximum size of a text file, in bytes; no text from a user is longer.
const LIMIT: u64 = 256 << 20;

/// Reads a text file, without its byte order mark. `action` and `next` go into errors, like `cannot read the model`.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::NoText`] if it is no text, or one of more than 256 MiB.
pub fn read_text(path: &Path, action: &'static str, next: &'static str) -> Result<String> {
    let fail = |message: String| Error::NoText { path: path.to_owned(), message, next };
    // A special file, such as a pipe, might never end.
    let about = path.metadata().map_err(io_error(action, path, next))?;
    if !about.is_file() {
        return Err(fail(if about.is_dir() { "is a folder".into() } else { "is not a file".into() }));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io_error(action, path, next))?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(io_error(action, path, next))?;
    if bytes.len() as u64 > LIMIT {
        return Err(fail(format!("holds more than {} MiB", LIMIT >> 20)));
    }
    text_of(bytes).map_err(fail)
}

/// Decodes bytes into text, without a byte order mark; the error describes what they are instead.
pub fn text_of(bytes: Vec<u8>) -> std::result::Result<String, String> {
    let none = |name: &str| format!("begins like {name} but is not valid {name}; save it as UTF-8");
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = bytes.as_chunks();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| odd.is_empty()).ok_or_else(|| none("UTF-16"))
    };
    let wider = |bytes: &[u8], unit: fn([u8; 4]) -> u32| {
        let (fours, odd) = bytes.as_chunks();
        let text: Option<String> = fours.iter().map(|four| char::from_u32(unit(*four))).collect();
        text.filter(|_| odd.is_empty()).ok_or_else(|| none("UTF-32"))
    };
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, rest @ ..] => wider(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => wider(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text)),
            Err(e) => {
                let (at, bytes) = (e.utf8_error().valid_up_to(), e.as_bytes());
                let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(format!(
                    "is not UTF-8 text: line {line} holds the byte {:#04x}; save it as UTF-8",
                    bytes[at]
                ))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{read_text, text_of};

    #[test]
    fn marks_of_the_byte_order_are_skipped() {
        let wide: Vec<u8> = "é1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let swapped: Vec<u8> = "é1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            "é1\n".as_bytes().to_vec(),
            "\u{feff}é1\n".as_bytes().to_vec(),
            [&[0xff, 0xfe][..], &wide].concat(),
            [&[0xfe, 0xff][..], &swapped].concat(),
            "\u{feff}é1\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            "\u{feff}é1\n".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        ] {
            assert_eq!(text_of(bytes.clone()).as_deref(), Ok("é1\n"), "{bytes:?}");
        }
        // Cut in the middle of a character.
        let cut = |bytes: &[u8], name| assert!(text_of(bytes.to_vec()).is_err_and(|e| e.contains(name)));
        cut(&[0xff, 0xfe, b'a', 0, b'b'], "UTF-16");
        cut(&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0, b'b'], "UTF-32");
        assert!(text_of(b"a\nb\xe9".to_vec()).is_err_and(|e| e.contains("line 2") && e.contains("0xe9")));
    }

    #[test]
    fn what_is_no_file_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read_text(folder.path(), "cannot read the model", "").expect_err("a folder");
        assert!(error.to_string().contains("is a folder"), "{error}");
    }
}
