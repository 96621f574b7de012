//! Checks that quotes around fields are closed where they were opened. A lenient reader takes everything between
//! two quotes for a single field, including whole rows.

use super::dialect::{Dialect, ends_line};
use wgrad::words::{commas, counted};

/// Checks that every field that begins with a quote ends with one, before the next delimiter.
///
/// # Errors
/// The line, from 1, and the fault of a quote there.
pub(super) fn check(bytes: &[u8], dialect: &Dialect) -> Result<(), String> {
    let is_end = |byte: u8| byte == dialect.delimiter || matches!(byte, b'\n' | b'\r');
    let wrong = |line: u64, what: &str| {
        let next = "quotes must be next to the delimiters, and doubled within a field";
        Err(format!("line {}: {what}; {next}", commas(line)))
    };
    let ends = |at: usize| u64::from(ends_line(bytes, at));
    let mut line = 1 + (0..dialect.start.min(bytes.len())).map(ends).sum::<u64>();
    let (mut at, mut fresh, mut field) = (dialect.start, true, true);
    while let Some(&byte) = bytes.get(at) {
        if fresh && Some(byte) == dialect.comment {
            at +=
                bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len() - at);
            (fresh, field) = (false, false);
            continue;
        }
        if field && byte == b'"' {
            let opened = line;
            at += 1;
            loop {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (None, _) => return Err(never_closed(opened, line - opened - ends(at - 1))),
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"'), _) => break,
                    _ => {
                        line += ends(at);
                        at += 1;
                    }
                }
            }
            at += 1;
            while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t') && !is_end(*byte)) {
                at += 1;
            }
            if bytes.get(at).is_some_and(|byte| !is_end(*byte)) {
                return wrong(opened, "text follows a closing quote");
            }
            (fresh, field) = (false, false);
            continue;
        }
        if field && byte == b' ' {
            // A quote after a space does not count as one in the format, so the text within it must not contain a
            // delimiter.
            let rest = &bytes[at..];
            let text = &rest[..rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len())];
            let text = text.trim_ascii();
            if text.starts_with(b"\"") && (text.len() < 2 || !text.ends_with(b"\"")) {
                return wrong(line, "a space precedes a quote, so that the field ends within the quotes");
            }
        }
        line += ends(at);
        fresh = matches!(byte, b'\n' | b'\r');
        field = is_end(byte);
        at += 1;
    }
    Ok(())
}

/// The error of a quote that is never closed and spans `behind` further lines.
fn never_closed(line: u64, behind: u64) -> String {
    let much = match behind {
        0 => String::new(),
        more => format!(
            " and takes in the {} after it",
            counted(usize::try_from(more).unwrap_or(usize::MAX), "line")
        ),
    };
    format!("a quote that line {} opens is never closed{much}; close it, or remove it", commas(line))
}

#[cfg(test)]
mod tests {
    use super::{Dialect, check};

    #[test]
    fn quotes_are_closed_where_they_are_opened() {
        let found =
            |text: &str| check(text.as_bytes(), &Dialect { delimiter: b',', start: 0, comment: Some(b'#') });
        for fine in [
            "a,b\n1,\"x, y\"\n2,\"two\nlines\"\r\n\"say \"\"so\"\"\",3",
            "a,5\" nail\n\"q\" ,1\n",
            "# it's \"open\n1,2\n",
            "1, \"2\"\n3, \"4\"\n",
            "",
        ] {
            assert_eq!(found(fine), Ok(()), "{fine}");
        }
        for (text, words) in [
            ("a,b\n9,\"hello 9,1\n10,\"w1\",0\n", "line 2: text follows"),
            ("a,b\n1,\"x\\\"y\"\n", "line 2: text follows"),
            ("a,b\n\"x\"\"y\"z,1\n", "line 2: text follows"),
            ("a,b\n1, \"x, 1\"\n", "line 2: a space precedes"),
            ("a,b\n1,\"2\n3,4\n5,6\n", "line 2 opens is never closed and takes in the 2 lines after it"),
            ("a,b\r\n1,\"2\r\n3,4", "line 2 opens is never closed and takes in the 1 line after it"),
            ("a,b\n1,2\n3,\"4\n", "line 3 opens is never closed; close it"),
            ("a,b\n1,\"say \"\"so", "line 2 opens is never closed; close it"),
        ] {
            let message = found(text).expect_err(text);
            assert!(message.contains(words), "no {words:?} in {message}");
        }
    }
}
