//! The outputs of a network during a training and its evaluations, batch by batch, for metrics beyond loss and accuracy;
//! and the weights of single images.

use super::Trainer;
use crate::{Error, Result, evaluate::activated, loss::Loss, metrics::Metrics, visit::Visited};
use std::sync::Arc;

/// The type of functions that receive outputs.
pub type See = dyn FnMut(&Seen<'_>);

/// A finished batch, or a part of one that was computed in parts.
#[derive(Clone, Debug)]
pub struct Seen<'s> {
    /// The index in the split of each image.
    pub images: &'s [u32],
    /// The outputs of the network as it is built, before the update, (images, outputs): probabilities if it ends in
    /// softmax or sigmoid, else logits or numbers.
    pub outputs: Vec<f32>,
    /// Loss and accuracy of the epoch or the evaluation so far, these images included.
    pub so_far: Metrics,
}

impl<'s> Seen<'s> {
    /// The outputs of visited images. `loss` is the loss of the network, and whether it ends in its activation.
    pub(super) fn of(visited: &'s Visited<'_>, (loss, ends_in_loss): (Loss, bool), so_far: Metrics) -> Self {
        let width = (visited.outputs.len() / visited.which.len().max(1)).max(1);
        let outputs = match ends_in_loss && !loss.is_regression() {
            true => visited.outputs.chunks_exact(width).flat_map(|row| activated(loss, row)).collect(),
            false => visited.outputs.to_vec(),
        };
        Self { images: visited.which, outputs, so_far }
    }
}

impl Trainer {
    /// Passes the outputs of every further batch of training and evaluation to `see`; with `None`, they are no longer
    /// read from the device.
    pub fn see(&mut self, see: Option<Box<See>>) {
        self.see = see;
    }

    /// Sets the weights of the images in the splits that are visited from now on, one for each image: the loss of an
    /// image is multiplied by its weight, as by Keras's `sample_weight`. With `None`, each is 1.
    ///
    /// # Errors
    /// [`Error::Option`] for a weight that is negative or not finite, and without
    /// [`crate::objective::Objective::example_weights`].
    pub fn weigh(&mut self, weights: Option<Arc<[f32]>>) -> Result<()> {
        let refused = |got: String, expected| Err(Error::Option { name: "example_weights", got, expected });
        if weights.is_some() && !self.options.objective.example_weights {
            return refused("off".into(), "on in the objective of a training with weights");
        }
        let mut all = weights.iter().flat_map(|weights| weights.iter());
        if let Some(wrong) = all.find(|weight| !weight.is_finite() || **weight < 0.0) {
            return refused(wrong.to_string(), "numbers from 0");
        }
        self.weights = weights;
        Ok(())
    }
}
