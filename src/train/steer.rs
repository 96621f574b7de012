//! A training that is steered while it runs: another learning rate from some step on. The changes are part of the
//! options, with the step at which they were made, so that a resumed training, or another one with the same options,
//! makes them at the same step and ends in the same bits.

use super::{Options, Trainer};
use crate::{Result, observe::Beside, optim::Optimizer, range::not_negative};
use serde::{Deserialize, Serialize};

/// Another base learning rate, which the schedule's factor multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// The first step that it counts for, from the start of the training, from 0.
    pub step: u64,
    /// The base rate from there on.
    pub learning_rate: f64,
}

impl Options {
    /// The optimizer with the base rate of global step `number`.
    pub fn optimizer_at(&self, number: u64) -> Optimizer {
        let made = self.rates.iter().rev().find(|change| change.step <= number);
        let learning_rate = made.map_or(self.optimizer.learning_rate, |change| change.learning_rate);
        Optimizer { learning_rate, ..self.optimizer }
    }

    /// The learning rate of global step `number`, in epochs of `per_epoch` steps, where a plateau has let it fall `drops`
    /// times.
    pub fn learning_rate(&self, number: u64, drops: u32, per_epoch: u64) -> f64 {
        let factor = self.schedule.factor_after(drops, number, per_epoch, self.epochs);
        self.optimizer_at(number).learning_rate * factor
    }
}

impl Trainer {
    /// Everything that decides the training, with the changes made since it began.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives the steps from here on another base learning rate, in place of all changes from here on.
    ///
    /// # Errors
    /// [`crate::Error::Option`] for one that is no number from 0.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        not_negative("the learning rate", learning_rate)?;
        let step = self.position.epoch * self.steps_per_epoch() + self.position.step;
        self.options.rates.retain(|change| change.step < step);
        self.options.rates.push(RateChange { step, learning_rate });
        Ok(())
    }

    /// Lets `beside` work between the submissions from now on.
    pub fn set_beside(&mut self, beside: Option<Box<dyn Beside>>) {
        self.visitor.beside = beside;
    }

    /// Lets what is beside the training work while that does not run.
    ///
    /// # Errors
    /// As [`Beside::between`].
    pub fn idle(&mut self) -> Result<()> {
        self.visitor.idle()
    }
}
