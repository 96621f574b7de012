//! Loss and accuracy, of a step and of many images; the errors of a regression.

use crate::loss::Loss;
use serde::{Deserialize, Serialize};

/// Mean loss and accuracy over some images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The mean loss; of classes, cross-entropy in nats.
    pub loss: f64,
    /// Share of images whose class is found, in [0, 1]; of a regression, those whose number rounds to the label.
    pub accuracy: f64,
    /// How many images.
    pub images: u64,
}

impl Metrics {
    /// What says which weights are best, the larger the better, from 0: the accuracy; of a regression, whose accuracy is
    /// coarse, a falling function of the loss.
    pub fn judged(&self, loss: Loss) -> f64 {
        if loss.is_regression() { 1.0 / (1.0 + self.loss) } else { self.accuracy }
    }
}

/// Sums over the images that were seen so far, of which [`Metrics`] are the means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMetrics {
    /// Images seen.
    pub seen: u64,
    /// Sum of their losses.
    pub loss_sum: f64,
    /// How many of them were right.
    pub hits: f64,
}

impl RunningMetrics {
    /// Counts the images of a step.
    pub fn count(&mut self, result: &StepResult) {
        self.seen += u64::from(result.rows);
        self.loss_sum += result.loss_sum;
        self.hits += result.hits;
    }

    /// The means so far; of no images, zeros.
    pub fn metrics(&self) -> Metrics {
        let images = self.seen.max(1) as f64;
        Metrics { loss: self.loss_sum / images, accuracy: self.hits / images, images: self.seen }
    }
}

/// What one step computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepResult {
    /// Images in its batch.
    pub rows: u32,
    /// Sum of their losses, before the update.
    pub loss_sum: f64,
    /// How many of them were right.
    pub hits: f64,
}

impl StepResult {
    /// Takes in another part of the same step.
    pub(crate) fn add(&mut self, part: &Self) {
        self.rows += part.rows;
        self.loss_sum += part.loss_sum;
        self.hits += part.hits;
    }

    /// Mean loss of the batch.
    pub fn loss(&self) -> f64 {
        self.loss_sum / f64::from(self.rows.max(1))
    }
}

/// How far the numbers of a regression are from the labels, of a table in the unit of its column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    /// The mean distance.
    pub mean_absolute_error: f64,
    /// The root of the mean squared distance.
    pub root_mean_squared_error: f64,
    /// R²: 1 - Σ (label - number)² / Σ (label - mean label)²; `None` where all labels are the same.
    pub r2: Option<f64>,
}

impl Regression {
    /// From pairs of label and number.
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
