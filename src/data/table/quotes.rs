//! Quotes around fields, which must be closed where they are opened: a reader that is lenient takes whatever lies between
//! one and the next for a single field, rows and all.

use super::dialect::Dialect;

/// The line, from 1, and what is wrong with a quote there.
type Wrong = (u64, &'static str);

/// Whether every field that begins with a quote ends with one, before the next delimiter.
pub(super) fn check(bytes: &[u8], dialect: &Dialect) -> Result<(), Wrong> {
    let is_end = |byte: u8| byte == dialect.delimiter || matches!(byte, b'\n' | b'\r');
    let mut line = 1 + lines(&bytes[..dialect.start.min(bytes.len())]);
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
                    // Never closed: the reader says how much it takes in.
                    (None, _) => return Ok(()),
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"'), _) => break,
                    (Some(byte), next) => {
                        line += u64::from(ends_line(*byte, next));
                        at += 1;
                    }
                }
            }
            at += 1;
            while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t') && !is_end(*byte)) {
                at += 1;
            }
            if bytes.get(at).is_some_and(|byte| !is_end(*byte)) {
                return Err((opened, "text stands behind a closing quote"));
            }
            (fresh, field) = (false, false);
            continue;
        }
        if field && byte == b' ' {
            // A space, and then a quote: it is no quote of the format, so what stands within it may not be divided.
            let rest = &bytes[at..];
            let text = &rest[..rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len())];
            let text = text.trim_ascii();
            if text.starts_with(b"\"") && (text.len() < 2 || !text.ends_with(b"\"")) {
                return Err((
                    line,
                    "a space stands before a quote, so that the field ends within the quotes",
                ));
            }
        }
        line += u64::from(ends_line(byte, bytes.get(at + 1)));
        fresh = matches!(byte, b'\n' | b'\r');
        field = is_end(byte);
        at += 1;
    }
    Ok(())
}

/// Whether a line ends here: at a line feed, or at a carriage return that none follows.
fn ends_line(byte: u8, next: Option<&u8>) -> bool {
    byte == b'\n' || (byte == b'\r' && next != Some(&b'\n'))
}

fn lines(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().enumerate().filter(|(at, byte)| ends_line(**byte, bytes.get(at + 1)));
    ends.count() as u64
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
        for (text, line) in [
            ("a,b\n9,\"hello 9,1\n10,\"w1\",0\n", 2),
            ("a,b\n1,\"x\\\"y\"\n", 2),
            ("a,b\n\"x\"\"y\"z,1\n", 2),
            ("a,b\n1, \"x, 1\"\n", 2),
        ] {
            assert_eq!(found(text).map_err(|(line, _)| line), Err(line), "{text}");
        }
    }
}
