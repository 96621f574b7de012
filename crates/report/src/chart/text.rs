//! Texts in a chart: width, line breaks, shortening. A chart does not know the reader's font, so widths are those of a
//! wide one (DejaVu Sans, Verdana); narrower fonts leave a little room.

/// Formats a number with three significant digits, without trailing zeros: 0.0123, 1.5, 128, 12400, 3.2e7.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_string();
    }
    if value == 0.0 {
        return "0".to_string();
    }
    // Round first, so that 999.9 does not count as a number with three digits before the point.
    let rounded = format!("{value:.2e}");
    let exponent: i32 = rounded.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    match exponent {
        -3..=5 => trim(&format!("{value:.*}", (2 - exponent).max(0) as usize)),
        _ => rounded
            .split_once('e')
            .map_or(String::new(), |(digits, _)| format!("{}e{exponent}", trim(digits))),
    }
}

/// Returns the maximum width of a character, in hundredths of the font size.
fn character(c: char) -> i32 {
    match c {
        'i' | 'j' | 'l' | 'I' | '|' | '.' | ',' | ':' | ';' | '\'' | '!' | ' ' => 40,
        '/' | '\\' | '(' | ')' | '[' | ']' | 'f' | 't' | 'r' | 'J' | '-' => 46,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '&' | '=' | '<' | '>' | '+' | '#' | '~' | '±' => 102,
        'A'..='Z' => 80,
        c if c.is_ascii() => 66,
        // Combining marks sit on the previous character.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{80}'..='\u{2fff}' => 92,
        _ => 110,
    }
}

/// Returns the maximum width of a text, pixels.
pub(crate) fn width(text: &str, size: i32) -> i32 {
    let hundredths: i64 = text.chars().map(|c| i64::from(character(c))).sum();
    i32::try_from(hundredths * i64::from(size) / 100 + 1).unwrap_or(i32::MAX)
}

/// Shortens a text that is too wide to its beginning and end with … between them: both ends of a path are the most
/// informative.
pub(super) fn shorten(text: &str, size: i32, room: i32) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let all: Vec<char> = text.chars().take(4000).collect();
    let tail: Vec<char> = text.chars().rev().take(4000).collect();
    let mut best = "…".to_string();
    for kept in 1.. {
        let (head, end) = (kept / 2, kept - kept / 2);
        if kept > all.len() {
            break;
        }
        let short: String = all[..head].iter().chain(&['…']).chain(tail[..end].iter().rev()).collect();
        if width(&short, size) > room {
            break;
        }
        best = short;
    }
    best
}

/// Wraps the text to at most `most` lines, each no wider than `room`. A line breaks after a space, a slash, a comma or
/// an underscore if there is one in its second half, else anywhere. The last line is shortened if it is too long.
pub(super) fn wrap(text: &str, size: i32, room: i32, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while width(rest, size) > room && lines.len() + 1 < most {
        let end = break_at(rest, size, room);
        let (line, after) = rest.split_at(end);
        lines.push(line.trim_end().to_string());
        rest = after.trim_start();
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(shorten(rest, size, room));
    }
    lines
}

/// Returns the end of the first line of `text`; never 0.
fn break_at(text: &str, size: i32, room: i32) -> usize {
    let (mut taken, mut fits, mut good) = (0, 0, None);
    for (at, c) in text.char_indices() {
        taken += character(c) * size;
        if taken > room * 100 && at > 0 {
            break;
        }
        fits = at + c.len_utf8();
        if matches!(c, ' ' | '/' | '\\' | ',' | '_') && taken > room * 50 {
            good = Some(fits);
        }
    }
    good.unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use super::{figure, shorten, width, wrap};
    use wgrad::words::drawable;

    #[test]
    fn figures_have_three_digits() {
        let shown = [0.0123, 1.5, 128.0, 12_400.0, 3.2e7, 999.9, 1e-9, -0.5, 0.0, f64::NAN].map(figure);
        assert_eq!(shown, ["0.0123", "1.5", "128", "12400", "3.2e7", "1000", "1e-9", "-0.5", "0", "NaN"]);
        assert_eq!(figure(f64::INFINITY), "∞");
    }

    #[test]
    fn no_line_is_wider_than_its_room() {
        let path = "/home/somebody/a folder/of/kernels/that/goes/on_and_on/for/eighty/characters/my.wgsl";
        for room in [60, 200, 500] {
            let lines = wrap(path, 12, room, 3);
            assert!(lines.len() <= 3 && lines.iter().all(|line| width(line, 12) <= room), "{lines:?}");
        }
        let whole: String = wrap(path, 12, 300, 3).concat();
        assert_eq!(whole.replace(' ', ""), path.replace(' ', ""));
        assert!(shorten(path, 12, 150).ends_with(".wgsl"));
        assert_eq!(wrap("", 12, 10, 2), [""]);
        assert_eq!(wrap("漢字漢字", 12, 1, 9), ["漢", "字", "漢", "字"]);
    }

    #[test]
    fn what_has_no_picture_is_replaced() {
        assert_eq!(drawable("a\0b\u{1b}[31m\u{202e}c\nd"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}d");
    }
}
