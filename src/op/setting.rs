//! Tunable constants of a variant, and settings: the variant with some of them chosen, spelled
//! `tiled:ROWS=8:COLS=4`. A comment after its value makes a constant tunable:
//! ```wgsl
//! const ROWS = 4u; // one of 2, 4, 8
//! override COLS: u32 = 4u; // one of 2, 4, 8: columns a thread
//! ```
//! The value is replaced in the text before the text is composed, and an `override` becomes a `const`: an override can
//! size no array in a function and, together with an interface's own override, no array in workgroup memory.
//! Lines keep their numbers.

use crate::{
    Error, Result,
    op::{Op, Variant},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{borrow::Cow, ops::Range};

/// The prefix of the list of values.
const MARK: &str = "// one of ";
/// Maximum number of settings of one variant that are tried; with more, fix some of its constants.
const MOST: usize = 1000;

/// A tunable constant of a variant. Values are numbers or `true` and `false`, without WGSL's suffixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Constant {
    /// Its name in the WGSL.
    pub name: String,
    /// Its value in the text.
    pub value: String,
    /// Its allowed values.
    pub values: Vec<String>,
    /// Range of the value in the text, without its suffix.
    #[serde(skip)]
    place: Range<usize>,
    /// Range of the `override` keyword, if the constant is one.
    #[serde(skip)]
    keyword: Option<Range<usize>>,
}

/// The values of all tunable constants of a variant, in the order of its text. Serializes as a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting(pub Vec<(String, String)>);

impl Setting {
    /// The values in a variant's text; empty if it has no tunable constants.
    pub fn of(variant: &Variant) -> Self {
        // A malformed text does not compose; the error is reported there.
        let constants = constants(variant.source()).unwrap_or_default();
        Self(constants.into_iter().map(|c| (c.name, c.value)).collect())
    }

    /// The value of the constant `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match (value.parse::<i64>(), value.parse::<f64>(), value.parse::<bool>()) {
                (Ok(whole), _, _) => map.serialize_entry(name, &whole)?,
                (_, Ok(number), _) => map.serialize_entry(name, &number)?,
                (_, _, Ok(flag)) => map.serialize_entry(name, &flag)?,
                _ => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// The tunable constants of a text, in its order.
///
/// # Errors
/// A message if a line is meant to declare a tunable constant and is malformed.
pub fn constants(text: &str) -> std::result::Result<Vec<Constant>, String> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let constant = offered(line, start).map_err(|message| {
            format!(
                "line {}: {message}; write `const NAME = 4u; // one of 2, 4, 8`, or `override` instead of `const`",
                n + 1
            )
        })?;
        found.extend(constant);
        start += line.len();
    }
    Ok(found)
}

/// The tunable constant in a line that starts at `start` in its text.
fn offered(line: &str, start: usize) -> std::result::Result<Option<Constant>, String> {
    let Some((declaration, list)) = line.split_once(MARK) else { return Ok(None) };
    let list = list.split(':').next().unwrap_or_default();
    let values: Vec<_> = list.split(',').map(literal).collect();
    if values.iter().all(Option::is_none) {
        // Prose.
        return Ok(None);
    }
    let code = declaration.trim_start();
    let keyword = ["const", "override"].into_iter().find(|word| code.starts_with(&format!("{word} ")));
    let Some(keyword) = keyword else {
        let means_it = declaration.contains("override ") && !code.starts_with("//");
        return if means_it {
            Err("a tunable constant must stand alone on its line".into())
        } else {
            Ok(None)
        };
    };
    let values: Option<Vec<String>> = values.into_iter().map(|v| v.map(|(word, _)| word)).collect();
    let values = values.ok_or_else(|| format!("`{}` is not a list of numbers", list.trim()))?;
    let (left, right) = declaration.split_once('=').ok_or("the constant has no value")?;
    let right = right.trim_end().strip_suffix(';').ok_or("the constant's value does not end with `;`")?;
    let (value, len) =
        literal(right).ok_or_else(|| format!("its value `{}` is not a number", right.trim()))?;
    let name = left.trim().strip_prefix(keyword).unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default().trim().to_string();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is not a name"));
    }
    let Some(value) = values.iter().find(|known| same(known, &value)).cloned() else {
        return Err(format!("{name} is {value}, which is not one of its values {}", values.join(", ")));
    };
    if let Some(twice) = values.iter().enumerate().find(|(n, v)| values[..*n].iter().any(|w| same(v, w))) {
        return Err(format!("{name} offers {} twice", twice.1));
    }
    let at = start + left.len() + 1 + (right.len() - right.trim_start().len());
    let indent = start + declaration.len() - code.len();
    let keyword = (keyword == "override").then(|| indent..indent + keyword.len());
    Ok(Some(Constant { name, value, values, place: at..at + len, keyword }))
}

/// A number or truth value without its suffix, and its length.
fn literal(text: &str) -> Option<(String, usize)> {
    let text = text.trim();
    if text == "true" || text == "false" {
        return Some((text.to_string(), text.len()));
    }
    let number = text.strip_suffix(['u', 'i', 'f', 'h']).unwrap_or(text);
    let plain = number.chars().all(|c| c.is_ascii_digit() || ['.', '-', '+', 'e', 'E'].contains(&c));
    (plain && number.parse::<f64>().is_ok()).then(|| (number.to_string(), number.len()))
}

/// Returns true if two values are equal, even if spelled differently.
fn same(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Returns the text with each tunable constant set to its entry in `values`, and its `override`s turned into constants.
/// `values` has one entry per constant.
fn with_values(text: &str, constants: &[Constant], values: &[&str]) -> String {
    let mut changed = text.to_string();
    for (constant, value) in constants.iter().zip(values).rev() {
        changed.replace_range(constant.place.clone(), value);
        if let Some(keyword) = constant.keyword.clone() {
            // As long as the word it replaces, so that columns do not move.
            changed.replace_range(keyword, "const   ");
        }
    }
    changed
}

/// Returns the text as it is composed: tunable overrides become constants.
///
/// # Errors
/// As [`constants`].
pub(crate) fn composed(text: &str) -> std::result::Result<Cow<'_, str>, String> {
    let constants = constants(text)?;
    if constants.iter().all(|c| c.keyword.is_none()) {
        return Ok(Cow::Borrowed(text));
    }
    let values: Vec<&str> = constants.iter().map(|c| &text[c.place.clone()]).collect();
    Ok(Cow::Owned(with_values(text, &constants, &values)))
}

/// Splits the name of a variant from its setting: `tiled` and `:ROWS=8`, which is empty if there is
/// none. A file's path may contain colons.
pub fn split(name: &str) -> (&str, &str) {
    let end = match (name.rfind(".wgsl:"), name.ends_with(".wgsl")) {
        (Some(at), _) => at + ".wgsl".len(),
        (None, true) => name.len(),
        (None, false) => name.find(':').unwrap_or(name.len()),
    };
    name.split_at(end)
}

/// Formats the allowed values of a list of constants on one line.
pub fn words(constants: &[Constant]) -> String {
    let one = |c: &Constant| format!("{}={}", c.name, c.values.join("|"));
    constants.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A setting under construction: the constants of a variant, and a value for each.
struct Chosen {
    constants: Vec<Constant>,
    values: Vec<String>,
    given: Vec<bool>,
}

impl Chosen {
    /// Reads `given`, such as `:ROWS=8:COLS=4`.
    fn read(op: &Op, variant: &Variant, given: &str) -> Result<Self> {
        let kernel = format!("{}/{}", op.name, variant.name());
        let constants = constants(variant.source()).map_err(|message| Error::Shader { kernel, message })?;
        let fail = |message: String| Error::Setting {
            op: op.name,
            wanted: format!("{}{given}", variant.name()),
            message,
            offered: match constants.as_slice() {
                [] => format!("{} offers no constants", variant.name()),
                some => format!("{} offers {}", variant.name(), words(some)),
            },
        };
        let mut chosen: Vec<Option<String>> = vec![None; constants.len()];
        for item in given.strip_prefix(':').map(|items| items.split(':')).into_iter().flatten() {
            let (name, value) =
                item.split_once('=').ok_or_else(|| fail(format!("has `{item}`, expected `NAME=value`")))?;
            let at = constants.iter().position(|c| c.name == name.trim());
            let at = at.ok_or_else(|| fail(format!("names no constant: `{name}`")))?;
            let known = literal(value)
                .and_then(|(value, _)| constants[at].values.iter().find(|known| same(known, &value)));
            let known = known.ok_or_else(|| fail(format!("gives {name} the value `{value}`")))?;
            if chosen[at].replace(known.clone()).is_some() {
                return Err(fail(format!("gives {name} twice")));
            }
        }
        let given = chosen.iter().map(Option::is_some).collect();
        let values = chosen.into_iter().zip(&constants).map(|(v, c)| v.unwrap_or_else(|| c.value.clone()));
        Ok(Self { values: values.collect(), constants, given })
    }

    /// The canonical spelling of the setting: the values that differ from the text, in its order.
    fn suffix(&self) -> String {
        let differs = self.constants.iter().zip(&self.values).filter(|(c, value)| c.value != **value);
        differs.map(|(c, value)| format!(":{}={value}", c.name)).collect()
    }

    /// Returns the variant with these values.
    fn variant(&self, base: &Variant) -> Variant {
        let suffix = self.suffix();
        if suffix.is_empty() {
            return base.clone();
        }
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        Variant {
            name: format!("{}{suffix}", base.name()).into(),
            source: with_values(base.source(), &self.constants, &values).into(),
            ..base.clone()
        }
    }
}

/// Applies the setting `given` (such as `:ROWS=8`) to a variant. Its name lists the values that differ from the
/// variant's text, in the order of the text; if none differs, it is the variant itself.
///
/// # Errors
/// [`Error::Setting`] for an unknown constant or value, with the known ones.
pub fn of(op: &Op, variant: &Variant, given: &str) -> Result<Variant> {
    Ok(Chosen::read(op, variant, given)?.variant(variant))
}

/// Every setting of a variant, the last constant varying fastest; constants in `given` stay fixed. A variant without
/// tunable constants has one.
///
/// # Errors
/// As [`of`]; also if there are more than a thousand.
pub fn all(op: &Op, variant: &Variant, given: &str) -> Result<Vec<Variant>> {
    let mut chosen = Chosen::read(op, variant, given)?;
    let free: Vec<usize> = (0..chosen.constants.len()).filter(|n| !chosen.given[*n]).collect();
    let sizes = free.iter().map(|n| chosen.constants[*n].values.len());
    let count = sizes.clone().try_fold(1usize, |product, size| product.checked_mul(size));
    let Some(count) = count.filter(|count| *count <= MOST) else {
        return Err(Error::Setting {
            op: op.name,
            wanted: format!("{}{given}", variant.name()),
            message: format!("leaves more than {MOST} settings to try"),
            offered: format!("name some of its constants: {}", words(&chosen.constants)),
        });
    };
    let mut variants = Vec::with_capacity(count);
    for mut index in 0..count {
        for n in free.iter().rev() {
            let values = &chosen.constants[*n].values;
            chosen.values[*n] = values[index % values.len()].clone();
            index /= values.len();
        }
        variants.push(chosen.variant(variant));
    }
    Ok(variants)
}

#[cfg(test)]
mod tests {
    use super::{composed, constants, split};

    #[test]
    fn lines_offer_constants_and_prose_does_not() {
        let text = "// one of 2, 3\r\nconst A = 4u; // one of 2, 4u, 8: rows\n  override B: f32 = 0.5; // one of 0.5, 1\n\
                    const C = true; // one of true, false\nconst D = 3u; // one of the old ones\nlet e = 2; // one of 2, 3\n";
        let found = constants(text).expect("it is well formed");
        let reported: Vec<_> =
            found.iter().map(|c| (c.name.as_str(), c.value.as_str(), c.values.len())).collect();
        assert_eq!(reported, [("A", "4", 3), ("B", "0.5", 2), ("C", "true", 2)]);
        let composed = composed(text).expect("it is well formed");
        assert!(composed.contains("  const    B: f32 = 0.5; //"), "{composed}");
        assert_eq!(composed.len(), text.len(), "columns stay");
    }

    #[test]
    fn lines_that_mean_to_offer_and_do_not_are_reported() {
        for (line, word) in [
            ("const A = 4u; // one of 2, 8", "not one of its values"),
            ("const A = B * 2u; // one of 2, 8", "not a number"),
            ("const A = 2u; // one of 2, eight", "not a list of numbers"),
            ("const A = 2u; // one of 2, 4, 2u", "twice"),
            ("const A = 2u // one of 2, 4", "`;`"),
            ("@id(3) override A = 2u; // one of 2, 4", "alone"),
            ("const A; // one of 2, 4", "no value"),
        ] {
            let text = format!("\n{line}\n");
            let reported = constants(&text).expect_err(line);
            assert!(reported.starts_with("line 2: ") && reported.contains(word), "{line}: {reported}");
        }
    }

    #[test]
    fn names_split_where_the_setting_begins() {
        for (name, parts) in [
            ("tiled", ("tiled", "")),
            ("tiled:A=1:B=2", ("tiled", ":A=1:B=2")),
            ("C:\\x\\my.wgsl", ("C:\\x\\my.wgsl", "")),
            ("C:\\x\\my.wgsl:A=1", ("C:\\x\\my.wgsl", ":A=1")),
        ] {
            assert_eq!(split(name), parts);
        }
    }
}
