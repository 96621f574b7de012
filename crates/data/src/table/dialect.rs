//! The dialect of a file of separated values: the delimiter of its fields, and its first line. Other crates guess
//! it from a sample; here every line must fit the guess, or the file is refused.

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::number::Readings;

/// The possible delimiters.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Maximum number of lines that are read to choose one.
const LOOKED_AT: usize = 50;
/// Number of bytes after which two lines are enough.
const ENOUGH: u64 = 1 << 20;

/// The dialect of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The byte between two fields.
    pub(super) delimiter: u8,
    /// Start of the lines, after a byte order mark and Excel's `sep=;`.
    pub(super) start: usize,
    /// First byte of lines to skip.
    pub(super) comment: Option<u8>,
}

impl Dialect {
    /// Detects the dialect from the bytes of a file. The delimiter is the most frequent one of the first line, if
    /// all lines that are read then have equally many fields. A delimiter that makes a larger share of fields
    /// numbers is preferred, as a semicolon does in `1,5;2,5`. If the most frequent one does not fit, the delimiter
    /// with the most fields is chosen.
    pub(super) fn of(bytes: &[u8], comment: Option<u8>) -> Self {
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let said = said(&bytes[mark..]);
        if let Some((delimiter, length)) = said {
            return Self { delimiter, start: mark + length, comment };
        }
        let dialect = |delimiter| Self { delimiter, start: mark, comment };
        let first = first_line(&bytes[mark..], comment);
        let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
        // The first of equals wins.
        let most = DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
        let fitting = |delimiter: u8| dialect(delimiter).fields(bytes).filter(|(fields, _)| *fields > 1);
        let share = |delimiter: u8| fitting(delimiter).map(|(_, share)| share);
        if let Some(usual) = share(most) {
            let better = |delimiter: &u8| share(*delimiter).is_some_and(|share| share > usual);
            return dialect(DELIMITERS.into_iter().find(better).unwrap_or(most));
        }
        let fields = |delimiter: u8| fitting(delimiter).map_or(0, |(fields, _)| fields);
        let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| fields(*delimiter)).unwrap_or(most);
        if fields(best) > 1 { dialect(best) } else { dialect(most) }
    }

    /// A reader of the fields of each line; lines may differ in their number of fields.
    pub(super) fn reader<'a>(&self, bytes: &'a [u8]) -> Reader<&'a [u8]> {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).has_headers(false).flexible(true).comment(self.comment);
        builder.from_reader(bytes.get(self.start..).unwrap_or_default())
    }

    /// The number of fields of the first lines, if it is the same for all, and the share of fields that are
    /// numbers.
    fn fields(&self, bytes: &[u8]) -> Option<(usize, f64)> {
        let mut reader = self.reader(bytes);
        let (mut record, mut fields, mut numbers, mut all) = (ByteRecord::new(), None, 0, 0);
        for line in 0..LOOKED_AT {
            if line > 1 && reader.position().byte() > ENOUGH {
                break;
            }
            if !reader.read_byte_record(&mut record).ok()? {
                break;
            }
            if *fields.get_or_insert(record.len()) != record.len() {
                return None;
            }
            let is_number =
                |field: &&[u8]| std::str::from_utf8(field).is_ok_and(|text| Readings::of(text.trim()).any());
            all += record.len();
            numbers += record.iter().filter(is_number).count();
        }
        Some((fields?, numbers as f64 / all.max(1) as f64))
    }

    /// The delimiter in words.
    pub(super) fn in_words(&self) -> &'static str {
        match self.delimiter {
            b';' => "semicolon",
            b'\t' => "tab",
            b'|' => "bar",
            _ => "comma",
        }
    }
}

/// The first line that is not a comment.
fn first_line(bytes: &[u8], comment: Option<u8>) -> &[u8] {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let mut lines = lines.filter(|line| comment.is_none_or(|comment| line[0] != comment));
    lines.next().unwrap_or_default()
}

/// The delimiter that Excel's first line `sep=;` names, and the length of that line.
fn said(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let line = bytes[..end].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (name, delimiter) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match *delimiter {
        [delimiter] if DELIMITERS.contains(&delimiter) => Some((delimiter, end)),
        // A tab at the end is trimmed together with the blanks.
        [] if bytes[..end].contains(&b'\t') => Some((b'\t', end)),
        _ => None,
    }
}

/// True if the byte ends a line: `\n`, or `\r` unless `\n` follows.
pub(super) fn ends_line(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    }
}

/// Counts the lines of a file up to the records that a reader finds in it.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    comment: Option<u8>,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], dialect: &Dialect) -> Self {
        let mut lines = Self { bytes, comment: dialect.comment, at: 0, line: 1 };
        lines.advance(dialect.start);
        lines
    }

    /// Advances to the byte `to`.
    fn advance(&mut self, to: usize) {
        while self.at < to {
            self.line += u64::from(ends_line(self.bytes, self.at));
            self.at += 1;
        }
    }

    /// The line, from 1, of the record that a reader begins at the byte `from`. Line ends and comments before the
    /// record are skipped, as they belong to no record.
    pub(super) fn of(&mut self, from: usize) -> u64 {
        self.advance(from.min(self.bytes.len()));
        loop {
            match self.bytes.get(self.at) {
                Some(b'\n' | b'\r') => self.advance(self.at + 1),
                Some(first) if Some(*first) == self.comment => {
                    let rest = &self.bytes[self.at..];
                    let length = rest.iter().position(|byte| *byte == b'\n');
                    self.advance(self.at + length.unwrap_or(rest.len()));
                }
                _ => return self.line,
            }
        }
    }
}
