//! The outputs of a network, batch by batch, for metrics beyond loss and accuracy.

use super::activated;
use crate::{loss::Loss, metrics::Metrics, visit::Visited};

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
    pub(crate) fn of(visited: &'s Visited<'_>, (loss, ends_in_loss): (Loss, bool), so_far: Metrics) -> Self {
        let columns = visited.outputs.len() / (visited.which.len() * visited.places()).max(1);
        let outputs = match ends_in_loss {
            true => activated(loss, columns, visited.outputs),
            false => visited.outputs.to_vec(),
        };
        Self { images: visited.which, outputs, so_far }
    }
}
