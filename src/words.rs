//! Formatting of numbers for people: grouped digits, bytes, operations, shares, bars; and text that is safe to print to
//! a terminal.

use std::{borrow::Cow, path::Path};

/// Groups digits: 60000 as 60,000.
pub fn commas(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes in the largest binary unit that keeps the number at least 1: 1536 as 1.5 KiB.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A count with its noun: 1 file, 2 files.
pub fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", commas(count as u64))
}

/// A count in decimal units: 2400000 as 2.4 M.
pub fn si(count: f64) -> String {
    scaled(count, 1000.0, &["", "k", "M", "G", "T", "P"]).trim_end().to_string()
}

fn scaled(mut value: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // From here on, one digit after the point would round up to the base.
    while value >= base - 0.05 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    let decimals = usize::from(unit > 0);
    format!("{value:.decimals$} {}", units[unit])
}

/// A number in the unit of a label: with four decimals; a small one with four significant digits; below 1e-3 and from
/// 1e12 on with an exponent.
pub fn measure(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || (0.1..1e12).contains(&size) || !size.is_finite() => format!("{value:.4}"),
        size if (1e-3..0.1).contains(&size) => {
            let digits = (3.0 - size.log10().floor()) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.4e}"),
    }
}

/// A share in [0, 1] as 86.42 %.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A bar of at most `width` characters for a share in [0, 1], in eighths of a character.
pub fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    bar
}

/// Levels of a curve, from low to high.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// [`BLOCKS`] in ASCII.
const PLAIN: [char; 8] = ['_', '.', ',', '-', '~', '=', '+', '#'];

/// A curve of at most `width` characters, from its smallest value to its largest; each stands for the mean of its
/// share of `values`. NaN and infinities are shown as a cross.
pub fn sparkline(values: &[f64], width: usize) -> String {
    curve(values, width, BLOCKS, '×')
}

/// As [`sparkline`], in ASCII, for terminals without block characters.
pub fn plain_sparkline(values: &[f64], width: usize) -> String {
    curve(values, width, PLAIN, 'x')
}

/// As [`sparkline`], on the scale from `ends.0` to `ends.1`, so that several curves can be compared; `plain` is in ASCII.
pub fn sparkline_between(values: &[f64], width: usize, ends: (f64, f64), plain: bool) -> String {
    match plain {
        true => curve_between(values, width, PLAIN, 'x', Some(ends)),
        false => curve_between(values, width, BLOCKS, '×', Some(ends)),
    }
}

fn curve(values: &[f64], width: usize, levels: [char; 8], none: char) -> String {
    curve_between(values, width, levels, none, None)
}

fn curve_between(
    values: &[f64],
    width: usize,
    levels: [char; 8],
    none: char,
    ends: Option<(f64, f64)>,
) -> String {
    let per = values.len().div_ceil(width.max(1)).max(1);
    let means: Vec<f64> =
        values.chunks(per).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect();
    let finite = || means.iter().copied().filter(|mean| mean.is_finite());
    let own = || (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let (least, most) = ends.unwrap_or_else(own);
    let level = |mean: &f64| match mean.is_finite() {
        true => {
            let share = (mean - least) / (most - least).max(f64::MIN_POSITIVE);
            levels[(share * 7.0).round().clamp(0.0, 7.0) as usize]
        }
        false => none,
    };
    means.iter().map(level).collect()
}

/// The end of an error about a name: "; did you mean `cnn`?", or nothing if it is a known one, or like none. `known` has
/// the names with commas between them, in backticks or not.
pub fn meant(got: &str, known: &str) -> String {
    let names = || known.split(',').map(|name| name.trim().trim_matches('`'));
    match nearest(got, names()) {
        Some(name) if !names().any(|name| name == got) => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

/// The known name that a mistyped one most resembles: at most a third of its characters are wrong, missing, too many or
/// in the other order, or it is the beginning of one. Case, and the kind of dash, make no difference.
pub fn nearest<'a>(got: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long; the distance takes the product of both lengths.
    const LONGEST: usize = 64;
    let plain = |name: &str| -> Vec<char> {
        let lower = name.chars().take(LONGEST).flat_map(char::to_lowercase);
        lower.map(|c| if c == '_' { '-' } else { c }).collect()
    };
    let wanted = plain(got);
    let most = (wanted.len() / 3).max(1);
    let ranked = known.into_iter().filter_map(|name| {
        let letters = plain(name);
        let apart = distance(&wanted, &letters);
        let begins = wanted.len() > 2 && letters.starts_with(&wanted);
        match apart < letters.len() && apart <= most {
            true => Some((apart, name)),
            false => begins.then_some((most + letters.len(), name)),
        }
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// The least number of insertions, deletions, replacements and swaps of neighbours that make one word of the other
/// (optimal string alignment; Damerau 1964).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        let [before, last, row] = &mut rows;
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

/// Quotes an argument for a shell.
pub fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=,./:+".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.to_string(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

/// Quotes a path for a shell and this program: a path that begins like an option gets its folder before it.
pub fn quoted_path(path: &Path) -> String {
    let path = path.display().to_string();
    quoted(&if path.starts_with('-') { format!("./{path}") } else { path })
}

/// Text that is safe to print to a terminal, even with names from an untrusted source: characters that would move the
/// cursor, colour, hide or reverse the text become an escape, such as `\u{1b}`. Line ends and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'), |c| format!("\\u{{{:x}}}", u32::from(c)))
}

/// As [`printable`] on one line, for a name or a message of any length: line ends and tabs become escapes, too, and
/// the text is cut after 2,000 characters.
pub fn printable_line(text: &str) -> String {
    const MOST: usize = 2000;
    let end = text.char_indices().nth(MOST).map(|(at, _)| at);
    let shown =
        escaped(&text[..end.unwrap_or(text.len())], |_| false, |c| format!("\\u{{{:x}}}", u32::from(c)));
    if end.is_some() { format!("{shown} ...") } else { shown.into_owned() }
}

/// Shortens a name for a table or a sentence: if it is longer than `most` characters, it is cut and ends with ….
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
            Cow::Owned(format!("{}…", &text[..end]))
        }
    }
}

/// As [`printable`] for a line of JSON, in JSON's own escapes, so that its value stays the same.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| matches!(c, '\n' | '\t' | '\r'),
        |c| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        },
    )
}

/// Returns true if a character moves its neighbours: control characters, and those that change the direction of
/// writing, which could make one name read as another.
pub(super) fn moves(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, stays: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let acts = |c: char| {
        moves(c)
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
            || matches!(c, '\u{e0000}'..='\u{e007f}')
    };
    let acts = |c: char| acts(c) && !stays(c);
    // Line ends of Windows move nothing.
    let text =
        if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    if !text.contains(acts) {
        return text;
    }
    let mut reported = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { reported.push_str(&escape(c)) } else { reported.push(c) }
    }
    Cow::Owned(reported)
}

/// Replaces characters without a glyph and those that move others by U+FFFD. Characters that join or separate letters
/// stay.
pub fn drawable(text: &str) -> String {
    let none = |c: char| u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    text.chars().map(|c| if moves(c) || none(c) { '\u{fffd}' } else { c }).collect()
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        bar, bytes, commas, meant, measure, nearest, percent, plain_sparkline, printable, printable_json,
        printable_line, shortened, si, sparkline,
    };

    #[test]
    fn a_terminal_gets_nothing_that_acts() {
        assert_eq!(
            printable("Größe 3 → 4,\tline\nnext\r\nlast 模型 👕"),
            "Größe 3 → 4,\tline\nnext\nlast 模型 👕"
        );
        assert_eq!(
            printable("a\u{1b}[2Jb\rc\u{7}\u{9b}31m\u{202e}d\u{7f}"),
            r"a\u{1b}[2Jb\u{d}c\u{7}\u{9b}31m\u{202e}d\u{7f}"
        );
        assert_eq!(printable_line("a\u{1b}[2J\u{202e}é\n"), r"a\u{1b}[2J\u{202e}é\u{a}");
        assert_eq!(printable_line(&"é".repeat(3000)), format!("{} ...", "é".repeat(2000)));
        let name = "x\u{9b}\u{202e}\u{7f}\u{e0041}y";
        let json = serde_json::to_string(name).expect("writes");
        let reported = printable_json(&json);
        assert_eq!(reported, r#""x\u009b\u202e\u007f\udb40\udc41y""#);
        assert_eq!(serde_json::from_str::<String>(&reported).expect("is JSON still"), name);
    }

    #[test]
    fn a_mistyped_name_is_the_nearest_known_one() {
        let known = ["linear", "mlp", "cnn", "cnn-bn", "rnn", "conv2d_forward", "conv2d_grad_input", "Dense"];
        for (got, expected) in [
            ("ccn", "cnn"),
            ("CNN", "cnn"),
            ("cnn_bn", "cnn-bn"),
            ("nrn", "rnn"),
            ("lniear", "linear"),
            ("Dens", "Dense"),
            ("conv2d", "conv2d_forward"),
            ("conv2d_grad_inptu", "conv2d_grad_input"),
        ] {
            assert_eq!(nearest(got, known), Some(expected), "{got}");
        }
        for got in ["", "x", "lstm", "transformer", "é"] {
            assert_eq!(nearest(got, known), None, "{got}");
        }
        for letter in ["é", "€"] {
            assert_eq!(nearest(&letter.repeat(1 << 20), known), None);
        }
        assert_eq!(meant("unit", "`units`, `name`"), "; did you mean `units`?");
        assert_eq!(meant("width", "`units`, `name`"), "");
        assert_eq!(meant("tiled", "tiled_8x8, tiled"), "", "the name is right, and something else is wrong");
    }

    #[test]
    fn a_long_name_is_its_beginning() {
        assert_eq!(["", "four", "fünfé"].map(|name| shortened(name, 5).into_owned()), ["", "four", "fünfé"]);
        assert_eq!(shortened(&"é".repeat(1 << 20), 5), "éééé…");
    }

    #[test]
    fn a_number_in_the_unit_of_a_label_has_digits_that_tell_something() {
        for (value, text) in [
            (0.0, "0.0000"),
            (29.69, "29.6900"),
            (-0.5, "-0.5000"),
            (0.012_345_6, "0.01235"),
            (0.001, "0.001000"),
            (1.234_56e-5, "1.2346e-5"),
            (-3e-30, "-3.0000e-30"),
            (1_700_000_123.25, "1700000123.2500"),
            (2.415_348e26, "2.4153e26"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(measure(value), text);
        }
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [0, 12, 999, 1000, 60_000, 1_234_567].map(commas);
        assert_eq!(grouped, ["0", "12", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn units_step_where_the_number_would() {
        assert_eq!([0, 1023, 1536, 1 << 20].map(bytes), ["0 B", "1023 B", "1.5 KiB", "1.0 MiB"]);
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB", "1024.0 KiB is no number to read");
        assert_eq!([12.0, 999.96, 2.4e6].map(si), ["12", "1.0 k", "2.4 M"]);
        assert_eq!(percent(0.864_19), "86.42 %");
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!([0.0, 0.5, 1.0, f64::NAN].map(|share| bar(share, 4)), ["", "██", "████", ""]);
        assert_eq!(bar(1.0 / 32.0, 4), "▏");
    }
    #[test]
    fn curves_reach_from_the_least_to_the_largest() {
        assert_eq!(sparkline(&[0.0, 1.0, 7.0, 3.5], 8), "▁▂█▅");
        assert_eq!(sparkline(&[0.0, 2.0, 7.0, 7.0, 5.0], 3), "▁█▆");
        assert_eq!(sparkline(&[2.0, 2.0, f64::NAN], 9), "▁▁×");
        assert_eq!(sparkline(&[], 9), "");
        assert_eq!(plain_sparkline(&[0.0, 1.0, 7.0, f64::NAN], 8), "_.#x");
    }
}
