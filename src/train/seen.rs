//! The outputs of a network during a training and its evaluations, batch by batch, for metrics beyond loss and accuracy;
//! and the weights of single images.

use super::Trainer;
use crate::{Error, Result, evaluate::Seen};
use std::sync::Arc;

/// The type of functions that receive outputs.
pub type See = dyn FnMut(&Seen<'_>);

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
