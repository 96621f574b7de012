//! The most confident mistakes and the least confident hits as pictures; for a regression, the images with the largest
//! errors.

use super::Details;
use crate::{
    contact_sheet,
    gallery::{Gallery, Item},
    page::Section,
    pixels::{enlarged, photograph},
};
use wgrad::{
    data::Dataset,
    evaluate::{Evaluation, Prediction},
    words::measure,
};

/// Maximum pictures of each kind.
const MOST: usize = 12;
/// Approximate side of a drawn image, pixels.
const SIDE: usize = 112;

/// A test image with its index, its label and its prediction.
struct Judged<'a> {
    index: usize,
    label: f64,
    prediction: &'a Prediction,
}

impl Judged<'_> {
    fn score(&self, class: usize) -> f32 {
        self.prediction.scores.get(class).copied().unwrap_or(0.0)
    }

    fn right(&self) -> bool {
        self.prediction.class as f64 == self.label
    }
}

/// Returns the test images worth a look: the most confident mistakes and the least confident hits; for a regression,
/// those with the largest errors.
pub fn galleries(data: &Dataset, evaluation: &Evaluation) -> Vec<Gallery> {
    let judged = evaluation.predictions.iter().filter_map(|prediction| {
        let label = *data.test.labels.get(prediction.image)?;
        Some(Judged { index: prediction.image, label: data.number(label), prediction })
    });
    if evaluation.regression.is_some() {
        let off = |one: &Judged<'_>| (one.score(0) - one.label as f32).abs();
        let items = first(judged.collect(), |one| -off(one), |one| number(data, one));
        return vec![Gallery { title: "Farthest off".into(), items }];
    }
    let (hits, mistakes): (Vec<_>, Vec<_>) = judged.partition(Judged::right);
    let item = |one: &Judged<'_>| class(data, one);
    let mistakes = first(mistakes, |one| -one.score(one.prediction.class), item);
    let hits = first(hits, |one| one.score(one.prediction.class), item);
    vec![
        Gallery { title: "The most confident mistakes".into(), items: mistakes },
        Gallery { title: "The least confident hits".into(), items: hits },
    ]
}

pub(super) fn section(details: &Details<'_>) -> Option<Section> {
    let galleries = galleries(details.data, &details.evaluation);
    if galleries.iter().all(|gallery| gallery.items.is_empty()) {
        return None;
    }
    let section = match details.evaluation.regression {
        Some(_) => Section::new("Images"),
        None => Section::new("Confident mistakes and uncertain correct answers").words(
            "Test images with the probabilities of the predicted and the true class. Mistakes that the network is sure of \
             are worth a look: some have wrong labels.",
        ),
    };
    Some(galleries.into_iter().fold(section, Section::gallery))
}

/// Returns the first images by `key`, as pictures.
fn first(
    mut all: Vec<Judged<'_>>,
    key: impl Fn(&Judged<'_>) -> f32,
    item: impl Fn(&Judged<'_>) -> Option<Item>,
) -> Vec<Item> {
    all.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.index.cmp(&b.index)));
    all.iter().take(MOST).filter_map(item).collect()
}

fn class(data: &Dataset, one: &Judged<'_>) -> Option<Item> {
    let name = |class: usize| data.classes.get(class).map_or("?", String::as_str);
    let percent = |class: usize| format!("{:.1} %", 100.0 * one.score(class));
    let found = format!("{} {}", name(one.prediction.class), percent(one.prediction.class));
    let (lines, alt) = match one.right() {
        true => (vec![found.clone()], format!("correctly predicted as {found}")),
        false => {
            let label = one.label as usize;
            let is = format!("{} {}", name(label), percent(label));
            (vec![format!("taken for {found}"), format!("is {is}")], format!("taken for {found}, is {is}"))
        }
    };
    tile(data, one.index, lines, alt)
}

fn number(data: &Dataset, one: &Judged<'_>) -> Option<Item> {
    let words = format!("{}, is {}", measure(f64::from(one.score(0))), one.label);
    tile(data, one.index, vec![words.clone()], words)
}

/// Returns a test image with a caption; `None` for tables.
fn tile(data: &Dataset, index: usize, lines: Vec<String>, alt: String) -> Option<Item> {
    large(data, index, SIDE, (lines, alt))
}

/// Returns a test image of about `side` pixels with a caption; `None` for tables.
pub(super) fn large(
    data: &Dataset,
    index: usize,
    side: usize,
    (mut lines, alt): (Vec<String>, String),
) -> Option<Item> {
    if data.table.is_some() {
        return None;
    }
    let values = data.test.image(index, data.pixels())?;
    let bytes = &contact_sheet::in_bytes(&values, data);
    let zoom = side.div_ceil(data.width.max(data.height).max(1)) as u32;
    let image = enlarged(&photograph([data.height, data.width, data.channels], bytes), zoom);
    lines.push(format!("test image {index}"));
    Some(Item { image, lines, alt: format!("Test image {index}: {alt}.") })
}
