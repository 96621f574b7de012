//! Labels of an archive: whole numbers or words, which are classes, or targets of a regression.

use std::collections::{BTreeMap, BTreeSet};

use super::{Elements, range::beyond};
use crate::classes;

/// Labels from this number on are no class numbers.
const MOST_CLASSES: usize = 100_000;
/// Maximum number of different words among labels; more of them are no classes.
const MOST_WORDS: usize = 4096;

/// True if some label is not a whole number.
pub(super) fn fractional(labels: &Elements) -> bool {
    matches!(labels, Elements::Floats(values) if values.iter().any(|value| value.fract() != 0.0))
}

/// The class names of labels. Words are sorted, as `np.unique` does; for numbers there are as many classes as the
/// largest label requires.
pub(super) fn classes(all: &[&Elements]) -> Result<Vec<String>, String> {
    let mut words = BTreeSet::new();
    let mut classes = 0;
    for labels in all {
        if let Elements::Words(texts) = labels {
            words.extend(texts.iter().map(String::as_str));
            continue;
        }
        for index in 0..labels.len() {
            let label = labels.number(index);
            if !(0.0..MOST_CLASSES as f64).contains(&label) || label.fract() != 0.0 {
                return Err(format!(
                    "label {label} at index {index}, expected whole numbers from 0 to below {MOST_CLASSES}; for a \
                     regression, say `.target = number`"
                ));
            }
            classes = classes.max(label as usize + 1);
        }
    }
    if words.is_empty() {
        return Ok((0..classes).map(|class| format!("class {class}")).collect());
    }
    if classes > 0 {
        return Err(
            "labels that are words in one part and numbers in another, expected one of the two".to_owned()
        );
    }
    match words.len() {
        ..=MOST_WORDS => Ok(words.into_iter().map(String::from).collect()),
        more => Err(format!("labels of {more} different words, expected at most {MOST_WORDS} classes")),
    }
}

/// The warning about labels whose words differ only in spelling.
pub(super) fn alike(all: &[&Elements]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for labels in all {
        if let Elements::Words(texts) = labels {
            texts.iter().for_each(|text| *counts.entry(text).or_default() += 1);
        }
    }
    classes::alike(counts.into_iter()).map(|words| format!("the labels {words}"))
}

/// The labels as class numbers, or, if `numbers`, as the bits of f32.
pub(super) fn numbers(elements: &Elements, numbers: bool, classes: &[String]) -> Result<Vec<u32>, String> {
    if let Elements::Words(texts) = elements {
        let class = |text: &String| match classes.binary_search(text) {
            Ok(class) if !numbers => Ok(class as u32),
            _ => Err(format!("the label {text:?}, expected numbers")),
        };
        return texts.iter().map(class).collect();
    }
    let label = |index| match elements.number(index) {
        label if !numbers => Ok(label as u32),
        label if (label as f32).is_finite() => Ok((label as f32).to_bits()),
        label => Err(format!("the label at index {index} is {}", beyond(label))),
    };
    (0..elements.len()).map(label).collect()
}
