//! What an image is taken for, by one view of it or by the mean of several.

use super::argmax;
use crate::{data::Dataset, loss::Loss};

/// The images, each left for right.
pub(super) fn mirror(images: &[u8], data: &Dataset) -> Vec<u8> {
    let lines = images.chunks(data.width * data.channels);
    lines.flat_map(|line| line.chunks(data.channels).rev().flatten().copied()).collect()
}

/// What one image is taken for, by the mean of some views of it.
pub(super) struct Verdict {
    /// The class that is found; of a regression, nothing.
    pub class: usize,
    /// A regression's number.
    pub number: f64,
    /// Whether that is the label.
    pub right: bool,
    /// The loss.
    pub loss: f64,
}

impl Verdict {
    /// From the logits of each view.
    pub fn of<'a>(loss: Loss, views: impl Iterator<Item = &'a [f32]>, label: usize) -> Self {
        let views: Vec<&[f32]> = views.collect();
        let all: Vec<Vec<f64>> = views.iter().map(|view| scores(loss, view)).collect();
        let outputs = all.first().map_or(0, Vec::len);
        let mean: Vec<f64> =
            (0..outputs).map(|n| all.iter().map(|view| view[n]).sum::<f64>() / all.len() as f64).collect();
        // One view is judged by its logits, as on the device: probabilities may be equal by rounding.
        let class = match (loss, &views[..]) {
            (Loss::BinaryCrossEntropy, [[z]]) => usize::from(*z > 0.0),
            (_, [one]) => argmax(one),
            _ => argmax(&mean),
        };
        let first = mean.first().copied().unwrap_or(f64::NAN);
        let off = (first - label as f64).abs();
        let right = if loss.is_regression() { off < 0.5 } else { class == label };
        let probability = |n: usize| -mean.get(n).copied().unwrap_or(f64::NAN).ln();
        let loss = match loss {
            Loss::SoftmaxCrossEntropy | Loss::BinaryCrossEntropy => probability(label),
            Loss::MeanSquaredError => off * off,
            Loss::MeanAbsoluteError => off,
            Loss::Huber { delta } if off <= delta => 0.5 * off * off,
            Loss::Huber { delta } => delta * (off - 0.5 * delta),
        };
        Self { class, number: first, right, loss }
    }
}

/// The probabilities of the classes, or a regression's number as it is.
fn scores(loss: Loss, logits: &[f32]) -> Vec<f64> {
    let logits: Vec<f64> = match (loss, logits) {
        (Loss::BinaryCrossEntropy, [z]) => vec![0.0, f64::from(*z)],
        _ => logits.iter().copied().map(f64::from).collect(),
    };
    if loss.is_regression() {
        return logits;
    }
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|z| (z - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
