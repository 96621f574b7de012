//! Parsing of numeric fields as people write them: with a point or a comma before the decimals, with groups of
//! three digits, with a sign such as `%` or `$`. Also recognises fields that mark a missing value.

use std::borrow::Cow;

use crate::reading::Reading;
use crate::{Result, error::field_error};
use wgrad::data::schema::{Absent, Format};

/// Signs that may precede or follow a number; all numbers of a column must have the same.
pub(super) const SIGNS: [&str; 8] = ["%", "‰", "$", "€", "£", "¥", "₹", "°"];

/// Markers of a missing value in any column, also among words: those of pandas.
const EVERYWHERE: [&str; 20] = [
    "", "NA", "N/A", "na", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "#N/A", "#N/A N/A", "#NA",
    "<NA>", "-NaN", "-nan", "1.#QNAN", "-1.#IND", "1.#IND",
];
/// The markers of the first version; its tables know no others.
const FIRST: [&str; 10] = ["", "NA", "N/A", "na", "NaN", "nan", "NULL", "null", "None", "?"];
/// Additional markers of a missing value among numbers, in upper or lower case.
const AMONG_NUMBERS: [&str; 16] = [
    "-", "--", "---", "–", "—", ".", "..", "...", "none", "nil", "nan", "null", "na", "n/a", "n.a.",
    "missing",
];

/// The markers of missing values that the options give.
///
/// # Errors
/// [`wgrad::Error::Option`] where the options contradict each other.
pub(super) fn absent(reading: &Reading) -> Result<Absent> {
    let both = |text: &&String| text.is_empty() || reading.na.contains(text);
    if let Some(text) = reading.not_na.iter().find(both) {
        let expected = "texts that are words in columns of words, such as NA, and are not in `.na`";
        return Err(field_error("not_na", format!("{text:?}"), expected));
    }
    Ok(Absent { usual: true, said: reading.na.clone(), words: reading.not_na.clone() })
}

/// Recognition of fields that have no value.
pub(super) trait Lacks {
    /// True if a field has no value, in a column of numbers or else of words.
    fn has(&self, text: &str, numbers: bool) -> bool;
}

impl Lacks for Absent {
    fn has(&self, text: &str, numbers: bool) -> bool {
        if text.is_empty() || self.said.iter().any(|said| said == text) {
            return true;
        }
        if !numbers && self.words.iter().any(|word| word == text) {
            return false;
        }
        // The quick path for most fields.
        if text.as_bytes()[0].is_ascii_digit() && !text.contains('#') {
            return false;
        }
        if !self.usual {
            return FIRST.contains(&text);
        }
        text.len() <= 9
            && (EVERYWHERE.contains(&text)
                || numbers && AMONG_NUMBERS.iter().any(|known| known.eq_ignore_ascii_case(text)))
    }
}

/// Parsing of numbers in a column's format.
pub(super) trait Parse {
    /// The field as a finite number.
    fn number(&self, text: &str) -> Option<f64>;

    /// Describes how a number must be written. `now` is the index in [`SIGNS`] of the sign that it has.
    fn wanted(&self, now: Option<usize>) -> String;
}

impl Parse for Format {
    fn number(&self, text: &str) -> Option<f64> {
        let text = match &self.sign {
            None => Cow::Borrowed(text),
            Some(sign) => without(text, sign)?,
        };
        match (self.comma, self.grouped) {
            (false, false) => plain(&text),
            (comma, _) => grouped(&text, comma),
        }
    }

    fn wanted(&self, now: Option<usize>) -> String {
        let comma = self.comma.then(|| "with a decimal comma".to_owned());
        let groups = (!self.comma && !self.grouped).then(|| "without groups of digits".to_owned());
        let sign = match (&self.sign, now) {
            (Some(sign), _) => Some(format!("with {sign}")),
            (None, Some(now)) => Some(format!("without {}", SIGNS[now])),
            _ => None,
        };
        [sign, comma, groups].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Parses a finite number as programs write it.
pub(super) fn plain(text: &str) -> Option<f64> {
    let parsed = text.parse().ok().or_else(|| bare(text)?.parse().ok());
    parsed.filter(|value: &f64| value.is_finite() && value.abs() < f64::from(f32::MAX))
}

/// The text without enclosing quotes (which stay if a space precedes them), and with a hyphen as its minus sign;
/// `None` where that changes nothing.
fn bare(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    (inner.len() < text.len() || text.contains('−')).then(|| inner.trim().replace('−', "-"))
}

/// Describes why a number cannot be used by a network: it is infinite, or too large for f32.
pub(super) fn beyond(text: &str) -> Option<&'static str> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.abs() >= f64::from(f32::MAX))?;
    let digits = text.contains(|c: char| c.is_ascii_digit());
    match digits {
        true => Some("larger than f32 holds, 3.4e38"),
        false => value.is_infinite().then_some("infinite"),
    }
}

/// Parses a number whose digits may stand in groups of three.
fn grouped(text: &str, comma: bool) -> Option<f64> {
    let changed = bare(text);
    let text = changed.as_deref().unwrap_or(text);
    let (decimal, other) = if comma { (',', '.') } else { ('.', ',') };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (whole, fraction) = match mantissa.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !fraction.is_none_or(digits) {
        return None;
    }
    let (minus, whole) = match whole.strip_prefix(['-', '+']) {
        Some(rest) => (whole.starts_with('-'), rest),
        None => (false, whole),
    };
    let mut joined = String::with_capacity(text.len());
    joined.push_str(if minus { "-" } else { "" });
    match whole.chars().find(|c| !c.is_ascii_digit()) {
        None => joined.push_str(whole),
        Some(between) if (between == other || is_space(between)) && exponent.is_empty() => {
            for (place, group) in whole.split(between).enumerate() {
                // A number with groups never begins with a zero.
                let first = || (1..=3).contains(&group.len()) && !group.starts_with('0');
                let fits = if place == 0 { first() } else { group.len() == 3 };
                if !fits || !digits(group) {
                    return None;
                }
                joined.push_str(group);
            }
        }
        Some(_) => return None,
    }
    if let Some(fraction) = fraction {
        joined.push('.');
        joined.push_str(fraction);
    }
    joined.push_str(exponent);
    plain(&joined)
}

/// True for characters that may separate groups of digits, with a decimal point as well as a comma.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

/// The field without the given sign before or after its number; `None` where it has no such sign.
fn without<'a>(text: &'a str, sign: &str) -> Option<Cow<'a, str>> {
    if let Some(rest) = text.strip_suffix(sign).or_else(|| text.strip_prefix(sign)) {
        return Some(Cow::Borrowed(rest.trim()));
    }
    let (minus, rest) = text.split_at_checked(1).filter(|(first, _)| matches!(*first, "-" | "+"))?;
    Some(Cow::Owned(format!("{minus}{}", rest.strip_prefix(sign)?.trim())))
}

/// The sign before or after a field's number.
fn sign_of(text: &str) -> Option<&'static str> {
    SIGNS.into_iter().find(|sign| without(text, sign).is_some())
}

/// The formats in which a field can be read as a number.
#[derive(Clone, Copy, Default)]
pub(super) struct Readings {
    /// Index in [`SIGNS`] of the sign before or after the number.
    pub(super) sign: Option<usize>,
    /// True if it reads as a plain number.
    pub(super) plain: bool,
    /// True if it reads as a number with a decimal point and groups of digits.
    pub(super) point: bool,
    /// True if it reads as a number with a decimal comma.
    pub(super) comma: bool,
}

impl Readings {
    pub(super) fn of(text: &str) -> Self {
        // The quick path for most fields.
        if !text.is_empty() && text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self { sign: None, plain: true, point: true, comma: true };
        }
        let sign = sign_of(text);
        let inner = match sign {
            Some(sign) => without(text, sign).unwrap_or_default(),
            None => Cow::Borrowed(text),
        };
        let sign = sign.and_then(|sign| SIGNS.iter().position(|known| *known == sign));
        let plain = plain(&inner).is_some();
        let point = plain || grouped(&inner, false).is_some();
        let comma = if plain && !inner.contains('.') { true } else { grouped(&inner, true).is_some() };
        Self { sign, plain, point, comma }
    }

    /// True if it reads as a number in any format.
    pub(super) fn any(&self) -> bool {
        self.plain || self.point || self.comma
    }
}

#[cfg(test)]
mod tests {
    use super::{Absent, Format, Lacks, Parse, Readings};

    fn of(comma: bool, sign: Option<&str>, text: &str) -> Option<f64> {
        Format { comma, grouped: true, sign: sign.map(String::from) }.number(text)
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let point = |text| of(false, None, text);
        for (text, value) in [
            ("51,501.2", 51_501.2),
            ("-1,234,567", -1_234_567.0),
            ("1 234.5", 1234.5),
            ("1'234", 1234.0),
            ("+7.5e2", 750.0),
            ("12", 12.0),
            ("\"3.5\"", 3.5),
            ("−2.5", -2.5),
        ] {
            assert_eq!(point(text), Some(value), "{text}");
        }
        for text in [
            "1,23",
            "1,2345",
            "1234,567",
            "1,234'567",
            "inf",
            "nan",
            "1.2.3",
            "",
            "-",
            "1,,234",
            "12a",
            "0,100",
            "-00,234",
            "1,234e5",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
        let comma = |text| of(true, None, text);
        assert_eq!(
            [comma("1,5"), comma("1.234,5"), comma("-0,25"), comma("1.234")].map(Option::unwrap_or_default),
            [1.5, 1234.5, -0.25, 1234.0]
        );
        assert_eq!((comma("1.5"), comma("1,2,3")), (None, None));
        assert_eq!((comma("0.100"), comma("00.100"), comma("1.234e5")), (None, None, None));
        assert_eq!((of(false, Some("%"), "1.501%"), of(false, Some("%"), "7 %")), (Some(1.501), Some(7.0)));
        assert_eq!((of(false, Some("$"), "-$1,200"), of(false, Some("$"), "$5")), (Some(-1200.0), Some(5.0)));
        assert_eq!((of(false, Some("$"), "5"), of(false, Some("%"), "$5")), (None, None));
    }

    #[test]
    fn a_field_tells_in_which_ways_it_can_be_read() {
        let of = |text| {
            let Readings { plain, point, comma, .. } = Readings::of(text);
            (plain, point, comma)
        };
        assert_eq!(of("12"), (true, true, true));
        assert_eq!(of("1.5"), (true, true, false));
        assert_eq!(of("1,5"), (false, false, true));
        assert_eq!(of("1,234"), (false, true, true));
        assert_eq!(of("1.234"), (true, true, true));
        assert_eq!(of("1,234.5"), (false, true, false));
        assert_eq!((of("0.100"), of("0,100")), ((true, true, false), (false, false, true)));
        assert_eq!(of("red"), (false, false, false));
        assert_eq!((Readings::of("5 €").sign, Readings::of("5").sign), (Some(3), None));
    }

    #[test]
    fn what_has_no_value_depends_on_what_a_column_holds() {
        let usual = Absent { usual: true, said: vec!["x".into()], words: vec!["None".into()] };
        assert!(!usual.has("None", false) && usual.has("None", true), "a word among words alone");
        for text in ["", "NA", "#N/A", "NaN", "null", "?", "x"] {
            assert!(usual.has(text, true) && usual.has(text, false), "{text}");
        }
        for text in ["-", "none", "NAN", "n.a."] {
            assert!(usual.has(text, true) && !usual.has(text, false), "{text}");
        }
        assert!(!usual.has("inf", true) && !Absent::default().has("#N/A", true));
        assert!(Absent::default().has("N/A", false));
    }
}
