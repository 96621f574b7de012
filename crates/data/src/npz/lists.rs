//! Arrays of lists: rows of different lengths, such as the words of texts, which numpy stores as a pickle. This reader
//! knows the part of Python's pickle protocols 2 to 5 that lists of whole numbers need
//! (<https://docs.python.org/3/library/pickletools.html>), and executes nothing: names and calls become a value without
//! meaning. A library for pickles would build whatever the file says, also copies of copies of a list.

use std::io::Read;

/// Maximum number of values of all rows together, once they have one length.
const MOST_VALUES: usize = 1 << 30;
/// Maximum number of values kept on the stack beside the lists; a batch of a pickle has 1000.
const MOST_PENDING: usize = 1 << 22;
/// The word in place of one that is too rare, as in Keras's data sets.
const OUT_OF_VOCABULARY: i64 = 2;

/// What stands on the stack of a pickle.
#[derive(Debug)]
enum Value {
    Whole(i64),
    /// A list of whole numbers; also the empty list.
    Row(Vec<i64>),
    Rows(Vec<Vec<i64>>),
    /// A tuple that ends in rows, as the state of an array does.
    State(Vec<Vec<i64>>),
    /// Anything else.
    Other,
}

type Parsed<T> = Result<T, String>;

/// What is not lists of whole numbers, and what to save instead.
const ADVICE: &str = "elements of type object, expected lists of whole numbers, or no objects; save array.astype(\"float32\"), \
                      array.astype(str) for words, and [[int(n) for n in row] for row in array] for rows of different lengths";

/// Reads the rows from a pickled array of `count` lists; at most `most` bytes.
pub(super) fn parse(reader: impl Read, count: usize, most: &mut u64) -> Parsed<Vec<Vec<i64>>> {
    let mut pickle = Pickle { bytes: Bytes { reader, left: *most }, stack: Vec::new(), marks: Vec::new() };
    let rows = pickle.rows()?;
    *most = pickle.bytes.left;
    if rows.len() != count {
        return Err(format!("{} lists, expected {count} as its shape says", rows.len()));
    }
    Ok(rows)
}

/// The bytes of a pickle, of which each is counted.
struct Bytes<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Bytes<R> {
    fn take<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        self.count(N as u64)?;
        self.reader.read_exact(&mut bytes).map_err(|e| format!("a damaged pickle ({e})"))?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Parsed<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn skip(&mut self, length: u64) -> Parsed<()> {
        self.count(length)?;
        let skipped = std::io::copy(&mut (&mut self.reader).take(length), &mut std::io::sink());
        match skipped {
            Ok(skipped) if skipped == length => Ok(()),
            Ok(_) => Err("a damaged pickle (it is truncated)".to_owned()),
            Err(e) => Err(format!("a damaged pickle ({e})")),
        }
    }

    fn line(&mut self) -> Parsed<()> {
        while self.byte()? != b'\n' {}
        Ok(())
    }

    fn count(&mut self, length: u64) -> Parsed<()> {
        let left = self.left.checked_sub(length);
        self.left = left.ok_or("a pickle far longer than the size of the file suggests")?;
        Ok(())
    }
}

struct Pickle<R> {
    bytes: Bytes<R>,
    stack: Vec<Value>,
    marks: Vec<usize>,
}

impl<R: Read> Pickle<R> {
    fn rows(&mut self) -> Parsed<Vec<Vec<i64>>> {
        loop {
            let code = self.bytes.byte()?;
            if code == b'.' {
                return match self.stack.pop() {
                    Some(Value::Rows(rows)) => Ok(rows),
                    // An array of no lists, or of empty ones alone.
                    Some(Value::Row(none)) if none.is_empty() => Ok(Vec::new()),
                    _ => Err(ADVICE.to_owned()),
                };
            }
            self.step(code)?;
            if self.stack.len() > MOST_PENDING {
                return Err(format!("a pickle with more than {MOST_PENDING} pending values"));
            }
        }
    }

    /// Executes one operation.
    fn step(&mut self, code: u8) -> Parsed<()> {
        match code {
            // PROTO, FRAME, and the operations that remember a value under a number.
            0x80 | b'q' => self.bytes.skip(1),
            0x95 => self.bytes.skip(8),
            b'r' => self.bytes.skip(4),
            0x94 => Ok(()),
            // Numbers: of one, two and four bytes, and of as many as the next byte says.
            b'K' => self.bytes.byte().map(|byte| self.push(Value::Whole(byte.into()))),
            b'M' => self.bytes.take().map(|two| self.push(Value::Whole(u16::from_le_bytes(two).into()))),
            b'J' => self.bytes.take().map(|four| self.push(Value::Whole(i32::from_le_bytes(four).into()))),
            0x8a => {
                let length = usize::from(self.bytes.byte()?);
                let mut number = 0i64;
                for place in 0..length {
                    let byte = i64::from(self.bytes.byte()? as i8);
                    let shift = 8 * place as u32;
                    let last = place + 1 == length;
                    number |= (if last { byte } else { byte & 0xff }).checked_shl(shift).unwrap_or(0);
                }
                if length > 8 {
                    return Err(format!("a whole number of {length} bytes, expected at most 8"));
                }
                self.push(Value::Whole(number));
                Ok(())
            }
            // Texts and bytes, whose length comes first.
            0x8c | b'C' | b'U' => {
                let length = self.bytes.byte()?;
                self.other(u64::from(length))
            }
            b'X' | b'B' | b'T' => {
                let length = self.bytes.take().map(u32::from_le_bytes)?;
                self.other(u64::from(length))
            }
            // NONE, NEWTRUE, NEWFALSE, an empty tuple, an empty dictionary, and a float.
            b'N' | 0x88 | 0x89 | b')' | b'}' => self.other(0),
            b'G' => self.other(8),
            // A value that was remembered, by a number of one or four bytes.
            b'h' => self.other(1),
            b'j' => self.other(4),
            // Names of functions and types: of two lines, or from the stack.
            b'c' => {
                self.bytes.line()?;
                self.bytes.line()?;
                self.other(0)
            }
            0x93 => self.replace(2),
            b'R' => self.replace(2),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b'(' => {
                self.marks.push(self.stack.len());
                if self.marks.len() > MOST_PENDING {
                    return Err(ADVICE.to_owned());
                }
                Ok(())
            }
            b't' => {
                let mark = self.mark()?;
                self.tuple(self.stack.len() - mark)
            }
            b']' => {
                self.push(Value::Row(Vec::new()));
                Ok(())
            }
            b'a' => {
                let value = self.pop()?;
                self.append(self.stack.len(), vec![value])
            }
            b'e' => {
                let mark = self.mark()?;
                let values = self.stack.split_off(mark);
                self.append(mark, values)
            }
            // The state of an object: that of the array ends in its elements.
            b'b' => {
                let state = self.pop()?;
                let object = self.pop()?;
                self.push(match state {
                    Value::State(rows) => Value::Rows(rows),
                    _ => object,
                });
                Ok(())
            }
            _ => Err(ADVICE.to_owned()),
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Parsed<Value> {
        let least = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > least { self.stack.pop() } else { None };
        value.ok_or_else(|| "a damaged pickle (a value is missing)".to_owned())
    }

    fn mark(&mut self) -> Parsed<usize> {
        self.marks.pop().ok_or_else(|| "a damaged pickle (a mark is missing)".to_owned())
    }

    /// Skips `length` bytes, and pushes a value without meaning.
    fn other(&mut self, length: u64) -> Parsed<()> {
        self.bytes.skip(length)?;
        self.push(Value::Other);
        Ok(())
    }

    /// Replaces the last `count` values by one without meaning.
    fn replace(&mut self, count: usize) -> Parsed<()> {
        for _ in 0..count {
            self.pop()?;
        }
        self.push(Value::Other);
        Ok(())
    }

    /// Replaces the last `count` values by their tuple.
    fn tuple(&mut self, count: usize) -> Parsed<()> {
        let last = if count == 0 { Value::Other } else { self.pop()? };
        for _ in 1..count {
            self.pop()?;
        }
        self.push(match last {
            Value::Rows(rows) => Value::State(rows),
            Value::Row(none) if none.is_empty() => Value::State(Vec::new()),
            _ => Value::Other,
        });
        Ok(())
    }

    /// Appends values to the list before place `end` of the stack: numbers to a row, rows to the array.
    fn append(&mut self, end: usize, values: Vec<Value>) -> Parsed<()> {
        let list = end.checked_sub(1).and_then(|at| self.stack.get_mut(at));
        let list = list.ok_or("a damaged pickle (a list is missing)")?;
        for value in values {
            match (&mut *list, value) {
                (Value::Row(row), Value::Whole(number)) => row.push(number),
                (Value::Row(none), Value::Row(row)) if none.is_empty() => *list = Value::Rows(vec![row]),
                (Value::Rows(rows), Value::Row(row)) => rows.push(row),
                _ => return Err(ADVICE.to_owned()),
            }
        }
        Ok(())
    }
}

/// How lists of words become rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Padding {
    /// Numbers in a row; the lists' own length if not given.
    pub maxlen: Option<usize>,
    /// A word from this number on counts as unknown.
    pub num_words: Option<usize>,
    /// Where words are numbered anew.
    pub numbering: Option<Numbering>,
}

/// Another numbering of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbering {
    /// The word before each row.
    pub start: i64,
    /// The number that is added to each word.
    pub from: i64,
}

/// Rows of one length.
#[derive(Debug, PartialEq)]
pub(super) struct Padded {
    /// Number of rows.
    pub rows: usize,
    /// Numbers in a row.
    pub length: usize,
    /// All words, row by row.
    pub words: Vec<i64>,
}

/// Rows of one length: a longer row loses its beginning, and zeros precede a shorter one, as in Keras's `pad_sequences`.
/// A word from `num_words` on becomes 2, as in Keras's data sets of texts.
pub(super) fn padded(rows: &[Vec<i64>], padding: Padding) -> Parsed<Padded> {
    let Padding { maxlen, num_words, numbering } = padding;
    let unknown = num_words.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let start = usize::from(numbering.is_some());
    let lengths = || rows.iter().map(|row| row.len() + start);
    let (shortest, longest) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    let length = match maxlen {
        Some(length) => length,
        None if shortest == longest => longest,
        None => {
            return Err(format!(
                "rows of {shortest} to {longest} numbers, expected one length; say `.maxlen`, such as {}: a longer row loses its \
                 beginning, and zeros precede a shorter one",
                longest.min(200)
            ));
        }
    };
    let values = rows.len().checked_mul(length).filter(|values| *values <= MOST_VALUES);
    let values = values.ok_or_else(|| {
        format!(
            "{} rows of {length} numbers, expected at most {MOST_VALUES} numbers; lower `.maxlen`",
            rows.len()
        )
    })?;
    let mut padded = Vec::with_capacity(values);
    let from = numbering.map_or(0, |numbering| numbering.from);
    for (at, row) in rows.iter().enumerate() {
        let own = row.iter().map(|word| word.checked_add(from));
        let all = numbering.map(|numbering| Some(numbering.start)).into_iter().chain(own);
        let count = row.len() + start;
        padded.extend(std::iter::repeat_n(0, length.saturating_sub(count)));
        for word in all.skip(count.saturating_sub(length)) {
            // Every whole number up to here is a float.
            let word = word.filter(|word| (0..=1 << 24).contains(word));
            let word = word.ok_or_else(|| {
                format!("row {at} (from 0), which holds a number that is no word, expected 0 to {}", 1 << 24)
            })?;
            padded.push(if unknown.is_some_and(|first| word >= first) { OUT_OF_VOCABULARY } else { word });
        }
    }
    Ok(Padded { rows: rows.len(), length, words: padded })
}

#[cfg(test)]
mod tests {
    use super::{Numbering, Padding, padded, parse};

    /// Python's pickle of numpy's array of the lists [1, 14, 22], [1, 300, 70000], [] and [-5], in protocol 4, and in
    /// protocol 2 with names in lines.
    const MODERN: &[u8] = b"\x80\x04\x95\xa4\x00\x00\x00\x00\x00\x00\x00\x8c\x16numpy._core.multiarray\x94\x8c\x0c_reconstruct\
        \x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94(K\x01K\x04\x85\x94h\x03\
        \x8c\x05dtype\x94\x93\x94\x8c\x02O8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff\
        K?t\x94b\x89]\x94(]\x94(K\x01K\x0eK\x16e]\x94(K\x01M,\x01Jp\x11\x01\x00e]\x94]\x94J\xfb\xff\xff\xffaet\x94b.";
    const OLD: &[u8] = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01bq\x04\
        \x87q\x05Rq\x06(K\x01K\x04\x85q\x07cnumpy\ndtype\nq\x08U\x02O8q\x09K\x00K\x01\x87q\x0aRq\x0b(K\x03U\x01|q\x0cNNNJ\xff\
        \xff\xff\xffJ\xff\xff\xff\xffK?tq\x0db\x89]q\x0e(]q\x0f(K\x01K\x0eK\x16e]q\x10(K\x01M,\x01\x8a\x03p\x11\x01e]q\x11\
        ]q\x12J\xfb\xff\xff\xffaetq\x13b.";

    fn rows() -> Vec<Vec<i64>> {
        vec![vec![1, 14, 22], vec![1, 300, 70_000], vec![], vec![-5]]
    }

    #[test]
    fn lists_of_both_ages_are_read_and_damage_is_reported() {
        for pickle in [MODERN, OLD] {
            let mut most = pickle.len() as u64;
            assert_eq!(parse(pickle, 4, &mut most), Ok(rows()));
            assert_eq!(most, 0);
            assert!(parse(pickle, 3, &mut 1000).expect_err("count").starts_with("4 lists, expected 3"));
            let short = parse(pickle, 4, &mut 100).expect_err("longer than allowed");
            assert!(short.contains("far longer"), "{short}");
            for end in 0..pickle.len() {
                parse(&pickle[..end], 4, &mut 1000).expect_err("cut off");
            }
            // No byte makes it panic.
            for at in 0..pickle.len() {
                for byte in 0..=255 {
                    let mut other = pickle.to_vec();
                    other[at] = byte;
                    let _either_way = parse(&other[..], 4, &mut 1000);
                }
            }
        }
        // A list of floats, and of the same list twice.
        for other in [
            &b"\x80\x02]q\x00(]q\x01G?\xf0\x00\x00\x00\x00\x00\x00ae."[..],
            b"\x80\x02]q\x00(]q\x01K\x01ah\x01e.",
        ] {
            assert!(parse(other, 2, &mut 1000).expect_err("no lists").starts_with("elements of type object"));
        }
    }

    #[test]
    fn rows_are_padded_and_cut_at_their_beginning() {
        let words = |rows: &[Vec<i64>], maxlen, num_words, numbering| {
            padded(rows, Padding { maxlen, num_words, numbering })
        };
        let whole = |[rows, length]: [usize; 2], words: &[i64]| {
            Ok(super::Padded { rows, length, words: words.to_vec() })
        };
        let rows = [vec![1, 14, 22], vec![7], vec![]];
        assert_eq!(words(&rows, Some(2), None, None), whole([3, 2], &[14, 22, 0, 7, 0, 0]));
        assert_eq!(
            words(&rows, Some(4), Some(14), None),
            whole([3, 4], &[0, 1, 2, 2, 0, 0, 0, 7, 0, 0, 0, 0])
        );
        // Keras numbers words from 4 on, and begins each text with 1.
        let keras = Some(Numbering { start: 1, from: 3 });
        assert_eq!(words(&rows, Some(3), Some(20), keras), whole([3, 3], &[4, 17, 2, 0, 1, 10, 0, 0, 1]));
        assert_eq!(words(&rows[..1], None, None, None), whole([1, 3], &[1, 14, 22]));
        let unequal = words(&rows, None, None, keras).expect_err("no length");
        assert!(
            unequal.starts_with("rows of 1 to 4 numbers, expected one length; say `.maxlen`, such as 4"),
            "{unequal}"
        );
        assert!(words(&[vec![-1]], None, None, None).expect_err("negative").contains("no word"));
        assert!(
            words(&rows, Some(usize::MAX), None, None).expect_err("too large").contains("lower `.maxlen`")
        );
    }
}
