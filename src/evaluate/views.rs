//! The prediction for an image, from one view of it or from the mean of several.

use super::argmax;
use crate::{Result, data::Dataset, loss::Loss, model::Model};

/// The outputs of a network, one after the other in a row: what each is for its loss.
#[derive(Clone, Debug)]
pub(crate) struct Form(Vec<Piece>);

#[derive(Clone, Debug)]
struct Piece {
    /// Number of its values, and of those of a place.
    values: usize,
    columns: usize,
    loss: Loss,
    /// True if it ends in the activation that belongs to its loss.
    ends_in_loss: bool,
}

impl Form {
    /// The outputs of `model`.
    pub fn of(model: &Model) -> Result<Self> {
        let several = model.several_outputs()?;
        if several.is_empty() {
            let (loss, values) = (model.loss()?, model.outputs()?);
            let columns = values / model.places()?.max(1);
            return Ok(Self(vec![Piece {
                values,
                columns,
                loss,
                ends_in_loss: model.ends_in(loss.activation()),
            }]));
        }
        let piece = |output: &crate::model::Output| Piece {
            values: output.values.len(),
            columns: output.columns(),
            loss: output.loss,
            ends_in_loss: output.ends_in_loss,
        };
        Ok(Self(several.iter().map(piece).collect()))
    }

    /// The outputs of the network as it is built, from those before the activations that are part of its losses.
    pub fn built(&self, logits: &[f32]) -> Vec<f32> {
        self.each(logits, |piece| piece.ends_in_loss)
    }

    /// Probabilities, or the unchanged numbers of a regression.
    pub fn predicted(&self, logits: &[f32]) -> Vec<f32> {
        self.each(logits, |_| true)
    }

    fn each(&self, logits: &[f32], which: impl Fn(&Piece) -> bool) -> Vec<f32> {
        let width = self.0.iter().map(|piece| piece.values).sum::<usize>().max(1);
        let mut found = Vec::with_capacity(logits.len());
        for mut row in logits.chunks_exact(width) {
            for piece in &self.0 {
                let (own, rest) = row.split_at(piece.values);
                match which(piece) {
                    true => found.extend(activated(piece.loss, piece.columns, own)),
                    false => found.extend_from_slice(own),
                }
                row = rest;
            }
        }
        found
    }
}

/// Mirrors each image left to right.
pub(super) fn mirror(images: &[u8], data: &Dataset) -> Vec<u8> {
    let pixel = data.input.bytes(data.channels);
    let lines = images.chunks(data.width * pixel);
    lines.flat_map(|line| line.chunks(pixel).rev().flatten().copied()).collect()
}

/// Prediction for one image, from the mean of its views.
pub(super) struct Verdict {
    /// The predicted class; meaningless for a regression.
    pub class: usize,
    /// The predicted number of a regression.
    pub number: f64,
    /// True if the prediction equals the label; for a regression, after rounding.
    pub right: bool,
    /// The loss.
    pub loss: f64,
    /// Probabilities of the classes, or the number of a regression; the mean over the views.
    pub scores: Vec<f64>,
}

impl Verdict {
    /// Computes the prediction from the logits of each view.
    pub fn of<'a>(loss: Loss, views: impl Iterator<Item = &'a [f32]>, label: f64) -> Self {
        let views: Vec<&[f32]> = views.collect();
        let all: Vec<Vec<f64>> = views.iter().map(|view| scores(loss, view)).collect();
        let outputs = all.first().map_or(0, Vec::len);
        let mean: Vec<f64> =
            (0..outputs).map(|n| all.iter().map(|view| view[n]).sum::<f64>() / all.len() as f64).collect();
        // A single view is classified by its logits, as on the device, since rounding can make probabilities equal.
        let class = match (loss, &views[..]) {
            (Loss::BinaryCrossEntropy, [[z]]) => usize::from(*z > 0.0),
            (_, [one]) => argmax(one),
            _ => argmax(&mean),
        };
        let first = mean.first().copied().unwrap_or(f64::NAN);
        let off = (first - label).abs();
        let right = if loss.is_regression() { off < 0.5 } else { class as f64 == label };
        let probability = |n: usize| -mean.get(n).copied().unwrap_or(f64::NAN).ln();
        let loss = match loss {
            Loss::SoftmaxCrossEntropy | Loss::BinaryCrossEntropy => probability(label as usize),
            Loss::MeanSquaredError => off * off,
            Loss::MeanAbsoluteError => off,
            Loss::Huber { delta } if off <= delta => 0.5 * off * off,
            Loss::Huber { delta } => delta * (off - 0.5 * delta),
            Loss::KlDivergence => label * (label / first).ln(),
            Loss::CosineSimilarity => -(label * first).signum(),
            // A network with several outputs has no verdict on one of them.
            Loss::WeightedSum => f64::NAN,
        };
        Self { class, number: first, right, loss, scores: mean }
    }
}

/// The outputs of a network that ends in the activation of its loss, from the inputs of that activation: `columns` numbers
/// for each place.
fn activated(loss: Loss, columns: usize, logits: &[f32]) -> Vec<f32> {
    if loss.is_regression() {
        return logits.to_vec();
    }
    // One sigmoid unit has the probability of class 1 alone.
    let skipped = usize::from(loss == Loss::BinaryCrossEntropy);
    let places = logits.chunks_exact(columns.max(1));
    places.flat_map(|place| scores(loss, place).into_iter().skip(skipped).map(|share| share as f32)).collect()
}

/// The probabilities of the classes, or the unchanged number of a regression.
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

#[cfg(test)]
mod tests {
    use super::{Verdict, mirror};
    use crate::{data::Dataset, loss::Loss};

    #[test]
    fn a_mirror_image_has_its_pixels_reversed_and_their_channels_not() {
        let images: Vec<u8> = (0..24).collect();
        let data = Dataset::from_arrays(
            "two",
            [2, 3, 2],
            &["a", "b"],
            (images.clone(), vec![0_u8, 1]),
            (images.clone(), vec![0_u8, 1]),
        )
        .expect("fits");
        let mirrored = mirror(&images, &data);
        assert_eq!(mirrored[..12], [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
        assert_eq!(mirror(&mirrored, &data), images);
    }

    #[test]
    fn several_views_are_judged_by_their_mean() {
        let views: [&[f32]; 2] = [&[3.0, 0.0, 0.0], &[0.0, 1.0, 0.0]];
        let of = |loss, views: &[&'static [f32]], label| Verdict::of(loss, views.iter().copied(), label);
        // softmax: (0.909, 0.045, 0.045) and (0.212, 0.576, 0.212).
        let found = Verdict::of(Loss::SoftmaxCrossEntropy, views.into_iter(), 0.0);
        assert_eq!((found.class, found.right), (0, true));
        let share = |x: f64, sum: f64| x.exp() / sum;
        let mean = (share(3.0, 3f64.exp() + 2.0) + share(0.0, 1f64.exp() + 2.0)) / 2.0;
        assert!((found.loss + mean.ln()).abs() < 1e-12, "{}", found.loss);
        // One logit: class 1 if it is above zero, also for the mean of two views.
        assert_eq!(of(Loss::BinaryCrossEntropy, &[&[-0.1]], 0.0).class, 0);
        assert_eq!(of(Loss::BinaryCrossEntropy, &[&[-0.1], &[2.0]], 0.0).class, 1);
        // A regression predicts the mean number.
        let found = of(Loss::MeanSquaredError, &[&[1.0], &[2.0]], 2.0);
        assert_eq!((found.number, found.loss, found.right), (1.5, 0.25, false));
        let found = of(Loss::Huber { delta: 0.25 }, &[&[1.0]], 2.0);
        assert_eq!(found.loss, 0.25 * (1.0 - 0.125));
    }
}
