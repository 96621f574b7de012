//! Changes of the learning rate during a training. They are part of the options, each with its step, so that a resumed
//! training, or another one with the same options, makes them at the same step and gets the same bits.

use super::{Options, Trainer};
use crate::{Result, observe::Beside, optim::Optimizer, range::not_negative};
use serde::{Deserialize, Serialize};

/// A change of the base learning rate, which the schedule's factor multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// The first step with the new rate, from 0, counted from the start of the training.
    pub step: u64,
    /// The base rate from that step.
    pub learning_rate: f64,
}

impl Options {
    /// The optimizer with the base rate of global step `number`.
    pub fn optimizer_at(&self, number: u64) -> Optimizer {
        let made = self.rates[..self.rates.partition_point(|change| change.step <= number)].last();
        let learning_rate = made.map_or(self.optimizer.learning_rate, |change| change.learning_rate);
        Optimizer { learning_rate, ..self.optimizer }
    }

    /// The learning rate of global step `number`, in epochs of `per_epoch` steps, after `drops` drops of a plateau.
    pub fn learning_rate(&self, number: u64, drops: u32, per_epoch: u64) -> f64 {
        let factor = self.schedule.factor_after(drops, number, per_epoch, self.epochs);
        self.optimizer_at(number).learning_rate * factor
    }
}

impl Trainer {
    /// The options of the training, with the changes made since it began.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Sets the base learning rate of all further steps; it replaces changes recorded for them.
    ///
    /// # Errors
    /// [`crate::Error::Option`] for a negative rate or one that is not finite.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        self.set_learning_rates(&[learning_rate])
    }

    /// Sets the base learning rates of the next steps, one for each; the last one stays. It replaces changes recorded for
    /// them.
    ///
    /// # Errors
    /// [`crate::Error::Option`] for a negative rate or one that is not finite.
    pub fn set_learning_rates(&mut self, rates: &[f64]) -> Result<()> {
        rates.iter().try_for_each(|rate| not_negative("the learning rate", *rate))?;
        let first = self.position.epoch * self.steps_per_epoch() + self.position.step;
        self.options.rates.retain(|change| change.step < first);
        let changes = (first..).zip(rates).map(|(step, rate)| RateChange { step, learning_rate: *rate });
        self.options.rates.extend(changes);
        Ok(())
    }

    /// Sets the work that runs between submissions from now on.
    pub fn set_beside(&mut self, beside: Option<Box<dyn Beside>>) {
        self.visitor.beside = beside;
    }

    /// Runs the work of `set_beside` while no training runs.
    ///
    /// # Errors
    /// The errors of [`Beside::between`].
    pub fn idle(&mut self) -> Result<()> {
        self.visitor.idle()
    }
}
