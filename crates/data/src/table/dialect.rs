//! How a file of separated values is written: what stands between two fields, and where the first line is. Crates that find
//! it out look at a sample and guess; here what is guessed must hold for every line, or the file is refused.

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::number::Readings;

/// What may stand between two fields.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// So many lines are looked at to choose.
const LOOKED_AT: usize = 50;
/// Beyond so many bytes two lines are enough.
const ENOUGH: u64 = 1 << 20;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What stands between two fields.
    pub(super) delimiter: u8,
    /// Where the lines begin: behind a byte order mark and Excel's `sep=;`.
    pub(super) start: usize,
    /// Lines that begin with it are left out.
    pub(super) comment: Option<u8>,
}

impl Dialect {
    /// Found out from the bytes of a file: what its first line has most of, if all that follow have as many fields and no other
    /// one makes more numbers of them, as a semicolon does between `1,5` and `2,5`; else what makes the most of them.
    pub(super) fn of(bytes: &[u8], comment: Option<u8>) -> Self {
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let said = said(&bytes[mark..]);
        if let Some((delimiter, length)) = said {
            return Self { delimiter, start: mark + length, comment };
        }
        let dialect = |delimiter| Self { delimiter, start: mark, comment };
        let first = first_line(&bytes[mark..], comment);
        let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
        // The first of equals.
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

    /// The fields of the lines, however many each has.
    pub(super) fn reader<'a>(&self, bytes: &'a [u8]) -> Reader<&'a [u8]> {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).has_headers(false).flexible(true).comment(self.comment);
        builder.from_reader(bytes.get(self.start..).unwrap_or_default())
    }

    /// How many fields each of the first lines has, where all have as many, and which share of them are numbers.
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

/// The first line that is no comment.
fn first_line(bytes: &[u8], comment: Option<u8>) -> &[u8] {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let mut lines = lines.filter(|line| comment.is_none_or(|comment| line[0] != comment));
    lines.next().unwrap_or_default()
}

/// The delimiter that Excel's first line `sep=;` names, and how long that line is.
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
        // A tab at the end is trimmed with the blanks.
        [] if bytes[..end].contains(&b'\t') => Some((b'\t', end)),
        _ => None,
    }
}

/// Whether a line ends with this byte: `\n`, of `\r\n` the second, or `\r` alone.
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

    /// Goes on to `to`.
    fn advance(&mut self, to: usize) {
        while self.at < to {
            self.line += u64::from(ends_line(self.bytes, self.at));
            self.at += 1;
        }
    }

    /// The line, from 1, of the record that a reader begins at the byte `from`: behind ends of lines and comments, which
    /// belong to no record.
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
