//! Validation of the options, and the callbacks between epochs.

use super::{Options, RateChange, Trainer};
use crate::{
    Error, Result, callbacks::Verdict, checkpoint::Position, metrics::Metrics, model::MOST_ROWS,
    range::not_negative, schedule::Decay,
};

/// Most epochs of a training; up to it, no count of steps overflows.
const MOST_EPOCHS: u64 = 1_000_000_000;

impl Options {
    /// Checks that all options are in range and consistent with each other.
    ///
    /// # Errors
    /// [`Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        self.optimizer.validate()?;
        if let Decay::Plateau { min, .. } = self.schedule.decay {
            // The schedule stores `min` as a share of the rate.
            not_negative("min", min * self.optimizer.learning_rate)?;
        }
        self.schedule.validate()?;
        self.callbacks.validate()?;
        for RateChange { learning_rate, .. } in &self.rates {
            not_negative("the learning rate", *learning_rate)?;
        }
        if self.batch == 0 {
            return Err(Error::Option { name: "batch", got: "0".into(), expected: "at least 1" });
        }
        if self.batch > MOST_ROWS {
            return Err(Error::Option {
                name: "batch",
                got: self.batch.to_string(),
                expected: "at most 1048576",
            });
        }
        if self.epochs > MOST_EPOCHS {
            return Err(Error::Option {
                name: "epochs",
                got: self.epochs.to_string(),
                expected: "at most 1000000000",
            });
        }
        let cycles = matches!(self.schedule.decay, Decay::OneCycle { momentum: Some(_), .. });
        if cycles && self.optimizer.momentum().is_none() {
            return Err(Error::Option {
                name: "decay.momentum",
                got: "on".into(),
                expected: "an optimizer with a momentum or beta_1",
            });
        }
        Ok(())
    }
}

impl Trainer {
    /// Passes an epoch's metrics to the callbacks: those of the validation images, or else of the test images.
    pub fn observe(&mut self, judged: &Metrics) {
        let Options { callbacks, schedule, .. } = &self.options;
        self.position.watch.observe(judged, callbacks, &schedule.decay);
    }

    /// The callbacks' decision whether the training is over.
    pub fn verdict(&self) -> Verdict {
        self.position.watch.verdict(&self.options.callbacks)
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        let Position { epoch, step, .. } = self.position;
        self.learning_rate_at(epoch * self.steps_per_epoch() + step)
    }

    /// The learning rate of a step, from 0, counted from the start of the training, after the plateau's drops so far.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        self.options.learning_rate(step, self.position.watch.drops, self.steps_per_epoch())
    }
}
