//! Training on images that arrive while it runs, such as those of a generator: each batch is one step. An epoch of such
//! steps ends where the caller says so.

use super::{Trainer, longest};
use crate::{
    Error, Result,
    data::{Split, stream::Order},
    metrics::{RunningMetrics, StepResult},
};
use std::ops::ControlFlow;

impl Trainer {
    /// Trains one step on images outside the data set, as Keras's `train_on_batch` does. They have the format of the data
    /// set, and are at most as many as a step has, or as the longest split has. The weights of [`Trainer::weigh`] are those
    /// of these images. All such steps are counted in one epoch, which never ends; do not mix them with
    /// [`Trainer::advance`].
    ///
    /// # Errors
    /// [`Error::Dataset`] if the images do not have the format of the data set, or are too many; otherwise those of
    /// [`Trainer::epoch`].
    pub async fn train_on(&mut self, batch: &Split) -> Result<StepResult> {
        self.data.check_split("given", batch)?;
        self.data.check_labels("given", batch, &self.classes)?;
        self.data.check_words("given", batch, &self.words)?;
        let most = self.options.batch.min(longest(&self.data));
        if batch.len() > most {
            let (got, data) = (batch.len(), self.data.name.clone());
            let message = format!("got a batch of {got} images, expected from 1 to {most}: those of a step");
            return Err(Error::Dataset { data, message });
        }
        let (mut found, offset) = (StepResult::default(), self.position.step);
        let keep = |_: &_, result: &StepResult| {
            found = *result;
            ControlFlow::Continue(())
        };
        self.pass(batch, Order::File, 0..1, offset, keep).await?;
        Ok(found)
    }

    /// Begins the means over the epoch again: the next step of [`Trainer::train_on`] is the first that they count.
    pub fn restart_metrics(&mut self) {
        self.position.running = RunningMetrics::default();
    }
}
