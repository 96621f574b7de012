//! The outputs of a network, batch by batch, for metrics beyond loss and accuracy.

use super::Form;
use crate::{metrics::Metrics, visit::Visited};

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
    /// The outputs, of this form, of visited images.
    pub(crate) fn of(visited: &'s Visited<'_>, form: &Form, so_far: Metrics) -> Self {
        Self { images: visited.which, outputs: form.built(visited.outputs), so_far }
    }
}
