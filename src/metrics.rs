//! Loss and accuracy of a step or of many images, and the errors of a regression.

use crate::{loss::Loss, model::MOST_HEADS};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// Loss and correct predictions of each output of a network with several, in their order: sums or means. Empty for a
/// network with one. A list of pairs, up to [`MOST_HEADS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
pub struct OfHeads {
    len: usize,
    pairs: [[f64; 2]; MOST_HEADS],
}

impl OfHeads {
    /// Adds the pairs of other images.
    fn add(&mut self, other: &Self) {
        self.len = self.len.max(other.len);
        for (sum, pair) in self.pairs.iter_mut().zip(&other.pairs) {
            *sum = [sum[0] + pair[0], sum[1] + pair[1]];
        }
    }

    /// Means of sums over so many images.
    fn over(mut self, images: f64) -> Self {
        self.pairs.iter_mut().flatten().for_each(|sum| *sum /= images);
        self
    }
}

impl FromIterator<[f64; 2]> for OfHeads {
    /// The first [`MOST_HEADS`] pairs.
    fn from_iter<T: IntoIterator<Item = [f64; 2]>>(pairs: T) -> Self {
        let mut found = Self::default();
        for (to, pair) in found.pairs.iter_mut().zip(pairs) {
            *to = pair;
            found.len += 1;
        }
        found
    }
}

impl Deref for OfHeads {
    type Target = [[f64; 2]];

    fn deref(&self) -> &Self::Target {
        &self.pairs[..self.len]
    }
}

impl From<OfHeads> for Vec<[f64; 2]> {
    fn from(heads: OfHeads) -> Self {
        heads.to_vec()
    }
}

impl TryFrom<Vec<[f64; 2]>> for OfHeads {
    type Error = String;

    fn try_from(pairs: Vec<[f64; 2]>) -> Result<Self, String> {
        match pairs.len() {
            0..=MOST_HEADS => Ok(pairs.into_iter().collect()),
            len => Err(format!("{len} pairs for outputs, expected at most {MOST_HEADS}")),
        }
    }
}

/// Mean loss and accuracy over some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Mean loss; for classes, cross-entropy in nats.
    pub loss: f64,
    /// Share of correct predictions, in [0, 1]; for a regression, predictions that round to the label.
    pub accuracy: f64,
    /// Number of images.
    pub images: u64,
    /// The same two means of each output, if there are several; the loss is then their weighted sum, and there is no
    /// accuracy.
    pub heads: OfHeads,
}

impl Metrics {
    /// Score that ranks weights, from 0, larger is better: the accuracy. A regression, whose accuracy is coarse, uses 1
    /// / (1 + loss).
    pub fn judged(&self, loss: Loss) -> f64 {
        if loss.is_regression() { 1.0 / (1.0 + self.loss) } else { self.accuracy }
    }
}

/// Sums over the images seen so far; [`Metrics`] are their means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMetrics {
    /// Number of images seen.
    pub seen: u64,
    /// Sum of their losses.
    pub loss_sum: f64,
    /// Number of correct predictions.
    pub hits: f64,
    /// The same two sums of each output, if there are several.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub heads: OfHeads,
}

fn is_empty(heads: &OfHeads) -> bool {
    heads.is_empty()
}

impl RunningMetrics {
    /// Adds the images of a step.
    pub fn count(&mut self, result: &StepResult) {
        self.seen += u64::from(result.rows);
        self.loss_sum += result.loss_sum;
        self.hits += result.hits;
        self.heads.add(&result.heads);
    }

    /// The means so far; zeros if there are no images.
    pub fn metrics(&self) -> Metrics {
        let images = self.seen.max(1) as f64;
        let heads = self.heads.over(images);
        Metrics { loss: self.loss_sum / images, accuracy: self.hits / images, images: self.seen, heads }
    }
}

/// The result of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepResult {
    /// Number of images in the batch.
    pub rows: u32,
    /// Sum of their losses, before the update.
    pub loss_sum: f64,
    /// Number of correct predictions.
    pub hits: f64,
    /// The same two sums of each output, if there are several.
    pub heads: OfHeads,
}

impl StepResult {
    /// Adds another part of the same step.
    pub(crate) fn add(&mut self, part: &Self) {
        self.rows += part.rows;
        self.loss_sum += part.loss_sum;
        self.hits += part.hits;
        self.heads.add(&part.heads);
    }

    /// Mean loss of the batch.
    pub fn loss(&self) -> f64 {
        self.loss_sum / f64::from(self.rows.max(1))
    }
}

/// Errors of a regression's predictions; for a table, in the unit of the label column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    /// Mean absolute error.
    pub mean_absolute_error: f64,
    /// Root of the mean squared error.
    pub root_mean_squared_error: f64,
    /// R²: 1 - Σ (label - prediction)² / Σ (label - mean label)²; `None` if all labels are equal.
    pub r2: Option<f64>,
}

impl Regression {
    /// Computes the errors from pairs of label and prediction.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Self {
        let n = pairs.len().max(1) as f64;
        let mean = pairs.iter().map(|(label, _)| label).sum::<f64>() / n;
        let sum =
            |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(label, number)| f(*label, *number)).sum::<f64>();
        let total = sum(&|label, _| (label - mean).powi(2));
        let squares = sum(&|label, number| (label - number).powi(2));
        Self {
            mean_absolute_error: sum(&|label, number| (label - number).abs()) / n,
            root_mean_squared_error: (squares / n).sqrt(),
            r2: (total > 0.0).then(|| 1.0 - squares / total),
        }
    }
}
