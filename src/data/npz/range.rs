//! Which numbers the images of an archive hold. Integers from 0 to 255 are bytes, whatever type they were saved as; what else
//! goes in as it is, and is told.

use super::super::reading::Again;
use super::{Array, Elements};

/// Values beyond this are told with a warning.
const LARGE: f64 = 16.0;

/// Whether the images are taken as floats; else they are bytes.
pub(super) fn of(
    images: &[&Array],
    again: Option<Again>,
    warnings: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Result<bool, String> {
    let bytes = images.iter().all(|x| matches!(x.elements, Elements::Bytes(_)));
    let integers = images.iter().all(|x| matches!(x.elements, Elements::Bytes(_) | Elements::Integers(_)));
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for x in images {
        if matches!(x.elements, Elements::Words(_)) {
            return Err("images that are texts, expected numbers".to_owned());
        }
        if let Elements::Bytes(bytes) = &x.elements {
            most = most.max(bytes.iter().max().map_or(most, |most| f64::from(*most)));
            least = least.min(0.0);
            continue;
        }
        for index in 0..x.elements.len() {
            let value = x.elements.number(index);
            (least, most) = (least.min(value), most.max(value));
        }
    }
    // Of rows of a table nobody knows whether they are pixels.
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
            "images of whole numbers from {least} to {most} are taken for bytes, and go in as shares of 255"
        ));
        return Ok(false);
    }
    let range = format!("from {least} to {most}");
    match bytes {
        true if most <= 1.0 => notes.push(
            "the images are bytes of 0 and 1, and go in as shares of 255, which is little; save x.astype(\"float32\")".into(),
        ),
        true => {}
        false if least < -LARGE || most > LARGE => warnings.push(format!(
            "the values of x are numbers {range}, and go in as they are: divide them (by 255, of pixels), or save \
             x.astype(\"uint8\"); trainings diverge on large numbers"
        )),
        false if least < 0.0 || most > 1.0 => {
            notes.push(format!("the values of x are numbers {range}, and go in as they are"));
        }
        false => {}
    }
    Ok(!bytes)
}

/// The bytes of images: as they are, or f32.
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
        let value = elements.number(index) as f32;
        if !value.is_finite() {
            return Err(format!("the value {value} at place {index} of the images, expected finite numbers"));
        }
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    Ok(bytes)
}
