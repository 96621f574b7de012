//! Numeric range of an archive's images. Integers from 0 to 255 become bytes, in any saved type; all other numbers
//! go in as f32, unscaled, with a note or a warning. A warning also covers numbers that f32 cannot distinguish.

use super::{Array, Elements};
use crate::reading::Again;

/// Magnitude above which values cause a warning.
const LARGE: f64 = 16.0;
/// Largest magnitude of values that are fractions of 1 or standardised.
const SMALL: f64 = 4.0;
/// Largest acceptable step between neighbouring f32 values, as a share of the values' spread.
const STEP: f64 = 1e-3;

/// The smallest and the largest value of an array.
fn range(x: &Array) -> (f64, f64) {
    if let Elements::Bytes(bytes) = &x.elements {
        return (0.0, bytes.iter().max().map_or(f64::NEG_INFINITY, |most| f64::from(*most)));
    }
    let values = (0..x.elements.len()).map(|index| x.elements.number(index));
    values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// Returns true if the images are used as floats, and false for bytes. `parts` are the names of the arrays.
pub(super) fn of(
    images: &[&Array],
    parts: &[&str],
    again: Option<Again>,
    warnings: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Result<bool, String> {
    let bytes = images.iter().all(|x| matches!(x.elements, Elements::Bytes(_)));
    let integers = images.iter().all(|x| matches!(x.elements, Elements::Bytes(_) | Elements::Integers(_)));
    if images.iter().any(|x| matches!(x.elements, Elements::Words(_))) {
        return Err("images that are texts, expected numbers".to_owned());
    }
    let ranges: Vec<(f64, f64)> = images.iter().map(|x| range(x)).collect();
    // A resumed run keeps the format it started with.
    if !again.is_some_and(|again| again.own) {
        let named: Vec<_> = parts.iter().copied().zip(ranges.iter().copied()).collect();
        let floats = images.iter().filter(|x| matches!(x.elements, Elements::Floats(_))).count();
        // For rows of a table, some columns may be large in one part only.
        let sure = images.iter().all(|x| x.shape.len() > 2) || !(floats == 0 || floats == images.len());
        match one_range(&named) {
            Err(message) if sure => return Err(message),
            found => warnings.extend(found.err()),
        }
    }
    let least = ranges.iter().map(|(least, _)| *least).fold(f64::INFINITY, f64::min);
    let most = ranges.iter().map(|(_, most)| *most).fold(f64::NEG_INFINITY, f64::max);
    let merged = merged(images);
    // Rows of a table may or may not be pixels.
    let pictures = images.iter().all(|x| x.shape.len() > 2);
    let as_bytes = integers && !bytes && least >= 0.0 && most <= 255.0 && most > 1.0;
    match again {
        Some(again) if again.floats || bytes || as_bytes => {
            return Ok(again.floats && (again.own || !bytes));
        }
        _ => {}
    }
    if as_bytes && pictures {
        notes.push(format!(
            "images of whole numbers from {least} to {most} are taken as bytes and divided by 255"
        ));
        return Ok(false);
    }
    let range = format!("from {least} to {most}");
    match bytes {
        true if most <= 1.0 => notes.push(
            "the images are bytes of 0 and 1, which become tiny when divided by 255; save x.astype(\"float32\")".into(),
        ),
        true => {}
        // The remedy for merged numbers also cures large ones.
        false if merged.is_some() => warnings.extend(merged),
        false if least < -LARGE || most > LARGE => warnings.push(format!(
            "the values of x are numbers {range}, and are used as they are: divide them (pixels by 255), or save \
             x.astype(\"uint8\"); training diverges on large numbers"
        )),
        false if least < 0.0 || most > 1.0 => {
            notes.push(format!("the values of x are numbers {range}, and are used as they are"));
        }
        false => {}
    }
    Ok(!bytes)
}

/// The warning about numbers that f32 does not distinguish: in the first such column of rows, or in the images as a
/// whole. There, the step from one f32 to the next is not small compared with the spread.
fn merged(images: &[&Array]) -> Option<String> {
    let columns = match images.first()?.shape[..] {
        [_, columns] => columns,
        _ => 1,
    };
    let mut found = vec![Spread::default(); columns.max(1)];
    for x in images.iter().filter(|x| !matches!(x.elements, Elements::Bytes(_))) {
        (0..x.elements.len()).for_each(|index| found[index % columns.max(1)].add(x.elements.number(index)));
    }
    let column = found.iter().position(Spread::is_merged)?;
    let place = if columns > 1 { format!("column {column} (from 0) of x") } else { "x".to_owned() };
    Some(format!(
        "the values of {place} {}, divide by the deviation, and save them again",
        found[column].words()
    ))
}

/// The warning about numeric labels that f32 does not distinguish.
pub(super) fn merged_labels(all: &[&Elements]) -> Option<String> {
    let mut found = Spread::default();
    for labels in all {
        (0..labels.len()).for_each(|index| found.add(labels.number(index)));
    }
    found.is_merged().then(|| format!("the labels {}, and add it to the predictions", found.words()))
}

/// The range of numbers; `exact` if f32 represents them all.
#[derive(Clone)]
struct Spread {
    least: f64,
    most: f64,
    exact: bool,
}

impl Default for Spread {
    fn default() -> Self {
        Self { least: f64::INFINITY, most: f64::NEG_INFINITY, exact: true }
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        (self.least, self.most) = (self.least.min(value), self.most.max(value));
        self.exact &= f64::from(value as f32) == value;
    }

    /// The step from the largest magnitude to the next f32.
    fn step(&self) -> f64 {
        let largest = self.least.abs().max(self.most.abs()) as f32;
        f64::from(largest.next_up()) - f64::from(largest)
    }

    fn is_merged(&self) -> bool {
        let spread = self.most - self.least;
        !self.exact && spread > 0.0 && self.step().is_finite() && self.step() > STEP * spread
    }

    fn words(&self) -> String {
        format!(
            "span at most {:e}, around {:e}, where f32 only has steps of {:e}: different numbers become equal; in \
             float64, subtract the mean",
            self.most - self.least,
            self.most,
            self.step()
        )
    }
}

/// Describes why a number cannot be used by a network.
pub(super) fn beyond(value: f64) -> String {
    match value.is_finite() {
        true => {
            format!("{value:e}, which is larger than f32 holds, 3.4e38; divide them, and save them again")
        }
        false => format!("{value}, expected finite numbers"),
    }
}

/// Refuses parts whose scales differ: one holds small numbers, as fractions and standardised values are, and
/// another far larger ones, as pixels are. `parts` holds names with smallest and largest values. All zeros fit
/// either scale.
pub(crate) fn one_range(parts: &[(&str, (f64, f64))]) -> Result<(), String> {
    let largest = |(least, most): &(f64, f64)| most.abs().max(least.abs());
    let small = parts.iter().find(|(_, range)| largest(range) > 0.0 && largest(range) <= SMALL);
    let large = parts.iter().find(|(_, range)| (LARGE..f64::from(f32::MAX)).contains(&largest(range)));
    let (Some((small, (from, to))), Some((large, (least, most)))) = (small, large) else { return Ok(()) };
    Err(format!(
        "{large} holds numbers from {least} to {most}, and {small} from {from} to {to}, expected the same range in all parts; \
         scale {large} as {small} was scaled (divide pixels by 255), or undo it there, and save them again"
    ))
}

/// The values of images as bytes, or as the little-endian bytes of f32.
pub(super) fn values(elements: &Elements, floats: bool) -> Result<Vec<u8>, String> {
    match (elements, floats) {
        (Elements::Bytes(bytes), false) => return Ok(bytes.clone()),
        (Elements::Integers(values), false) => {
            let byte = |value: &i64| {
                u8::try_from(*value).map_err(|_| format!("the value {value}, expected 0 to 255"))
            };
            return values.iter().map(byte).collect();
        }
        _ => {}
    }
    let mut bytes = Vec::with_capacity(4 * elements.len());
    for index in 0..elements.len() {
        let value = elements.number(index);
        if !(value as f32).is_finite() {
            return Err(format!("place {index} of the images holds {}", beyond(value)));
        }
        bytes.extend_from_slice(&(value as f32).to_le_bytes());
    }
    Ok(bytes)
}
