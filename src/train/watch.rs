//! What is looked at before a training and between its epochs.

use super::{Metrics, Options, Trainer};
use crate::{Error, Result, callbacks::Verdict, checkpoint::Position, schedule::Decay};

impl Options {
    /// Whether the numbers make sense, each by itself and beside the others.
    ///
    /// # Errors
    /// [`Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.callbacks.validate()?;
        if self.batch == 0 {
            return Err(Error::Option { name: "--batch", got: "0".into(), expected: "at least 1" });
        }
        let cycles = matches!(self.schedule.decay, Decay::OneCycle { momentum: Some(_), .. });
        if cycles && self.optimizer.momentum().is_none() {
            return Err(Error::Option {
                name: "--cycle-momentum",
                got: "on".into(),
                expected: "an optimizer with a momentum or beta_1",
            });
        }
        Ok(())
    }
}

impl Trainer<'_> {
    /// Shows the callbacks what an epoch came to: the metrics of the validation images, or else of the test images.
    pub fn observe(&mut self, judged: &Metrics) {
        let Options { callbacks, schedule, .. } = &self.options;
        self.position.watch.observe(judged, callbacks, &schedule.decay);
    }

    /// Whether the callbacks say that the training is over.
    pub fn verdict(&self) -> Verdict {
        self.position.watch.verdict(&self.options.callbacks)
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        let Position { epoch, step, .. } = self.position;
        self.learning_rate_at(epoch * self.steps_per_epoch() + step)
    }

    /// The learning rate of a step, counted from the start of the training, from 0; a plateau counts as it stands now.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let Options { optimizer, schedule, epochs, .. } = &self.options;
        let drops = self.position.watch.drops;
        optimizer.learning_rate * schedule.factor_after(drops, step, self.steps_per_epoch(), *epochs)
    }
}
