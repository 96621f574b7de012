//! What training tells: loss and accuracy, of a step and of many images.

use crate::{checkpoint::Position, loss::Loss};

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

impl Position {
    /// The metrics of the epoch so far.
    pub fn metrics(&self) -> Metrics {
        let images = self.seen.max(1) as f64;
        Metrics { loss: self.loss_sum / images, accuracy: self.hits / images, images: self.seen }
    }

    /// Counts a step.
    pub(crate) fn count(&mut self, result: &StepResult) {
        self.step += 1;
        self.seen += u64::from(result.rows);
        self.loss_sum += result.loss_sum;
        self.hits += result.hits;
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
    pub(super) fn add(&mut self, part: &Self) {
        self.rows += part.rows;
        self.loss_sum += part.loss_sum;
        self.hits += part.hits;
    }

    /// Mean loss of the batch.
    pub fn loss(&self) -> f64 {
        self.loss_sum / f64::from(self.rows.max(1))
    }
}
