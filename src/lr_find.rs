//! Learning-rate range test (Smith 2017, "Cyclical Learning Rates"). During one training, the rate rises exponentially
//! with each step. A good rate is the one at which the smoothed loss falls most steeply per factor of the rate. The
//! test saves nothing; batch, optimizer and clipping apply as in the training.

use crate::{
    Error, Result,
    callbacks::Callbacks,
    data::Dataset,
    gpu::Context,
    model::Model,
    range::{check, positive},
    schedule::{Decay, Schedule},
    train::{Options, Trainer},
};
use serde::Serialize;
use std::{ops::ControlFlow, sync::Arc};

/// Decay rate of the smoothed loss.
const SMOOTHING: f64 = 0.98;
/// The loss has diverged if it exceeds the least one by this factor.
const DIVERGED: f64 = 4.0;
/// The first 1/`LEFT_OUT` of the steps is ignored, since the mean is still of few losses.
const LEFT_OUT: usize = 10;
/// Fewest points from which a slope can be estimated.
const FEWEST: usize = 10;

/// Range of learning rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// First rate.
    pub from: f64,
    /// Last rate.
    pub to: f64,
    /// Steps from the first rate to the last.
    pub steps: u64,
}

impl Default for Range {
    fn default() -> Self {
        Self { from: 1e-5, to: 10.0, steps: 200 }
    }
}

impl Range {
    /// Checks that all numbers are in range.
    ///
    /// # Errors
    /// [`Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, got: String, expected| Err(Error::Option { name, got, expected });
        positive("from", self.from)?;
        positive("to", self.to)?;
        check("to", self.to, self.to > self.from, "a number above `.from`")?;
        if self.steps < 2 * FEWEST as u64 {
            return fail("steps", self.steps.to_string(), "at least 20");
        }
        Ok(())
    }
}

/// A step of the test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Number of the step, from 1.
    pub step: u64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Mean loss of the step, before its update.
    pub loss: f64,
    /// Exponential moving average of the losses so far, corrected for its start.
    pub smoothed: f64,
}

/// Result of the test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The rate at which the smoothed loss falls most steeply; `None` if it never falls.
    pub suggestion: Option<f64>,
    /// True if the loss diverged before the last rate.
    pub diverged: bool,
    /// All steps until then.
    pub samples: Vec<Sample>,
}

/// State of the test while the rate rises.
struct Rise {
    samples: Vec<Sample>,
    range: Range,
    mean: f64,
    least: f64,
    diverged: bool,
}

impl Rise {
    /// Adds a loss; breaks at the end of the range or when the loss diverges.
    fn take(&mut self, loss: f64, rate: f64) -> ControlFlow<()> {
        if self.is_over() {
            return ControlFlow::Break(());
        }
        let step = self.samples.len() as u64 + 1;
        self.mean = SMOOTHING * self.mean + (1.0 - SMOOTHING) * loss;
        let smoothed = self.mean / (1.0 - SMOOTHING.powf(step as f64));
        self.least = self.least.min(smoothed);
        self.samples.push(Sample { step, learning_rate: rate, loss, smoothed });
        self.diverged = smoothed > DIVERGED * self.least;
        if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_over(&self) -> bool {
        self.diverged || self.samples.len() as u64 >= self.range.steps
    }
}

/// Runs the range test over `range` in a training of `model` on `data` with `options`, whose learning rate, schedule,
/// epochs and callbacks are ignored. `each` gets every sample.
///
/// # Errors
/// [`Error::Option`] for a range that makes no sense, and the errors of a training. A diverging loss is not an error.
pub async fn find(
    context: &Context,
    model: &Model,
    data: impl Into<Arc<Dataset>>,
    mut options: Options,
    range: Range,
    mut each: impl FnMut(&Sample),
) -> Result<Found> {
    range.validate()?;
    let decay = Decay::Rise { last: range.to / range.from, steps: range.steps };
    options.optimizer.learning_rate = range.from;
    options.schedule = Schedule { decay, warmup_steps: 0 };
    options.callbacks = Callbacks::default();
    let schedule = options.schedule;
    let mut trainer = Trainer::new(context, model, data, options).await?;
    let mut rise = Rise { samples: Vec::new(), range, mean: 0.0, least: f64::INFINITY, diverged: false };
    while !rise.is_over() {
        let reported = trainer
            .epoch(|_, result| {
                let rate = range.from * schedule.factor(rise.samples.len() as u64, 1, 1);
                let flow = rise.take(result.loss(), rate);
                if let Some(sample) = rise.samples.last() {
                    each(sample);
                }
                flow
            })
            .await;
        match reported {
            Err(Error::Diverged { .. }) => rise.diverged = true,
            other => drop(other?),
        }
    }
    Ok(Found { suggestion: steepest(&rise.samples), diverged: rise.diverged, samples: rise.samples })
}

/// The rate at which the smoothed loss falls most steeply per factor of the rate, before its minimum.
fn steepest(samples: &[Sample]) -> Option<f64> {
    let lowest = (0..samples.len()).min_by(|a, b| samples[*a].smoothed.total_cmp(&samples[*b].smoothed))?;
    let first = (samples.len() / LEFT_OUT).max(1);
    if samples.len() < FEWEST {
        return None;
    }
    let slope = |n: usize| {
        let (before, after) = (samples[n - 1], samples[n + 1]);
        (after.smoothed - before.smoothed) / (after.learning_rate / before.learning_rate).ln()
    };
    let steepest = (first..lowest.min(samples.len() - 1)).min_by(|a, b| slope(*a).total_cmp(&slope(*b)))?;
    (slope(steepest) < 0.0).then(|| samples[steepest].learning_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A curve with its steepest fall at `rate`; it rises again after a further factor of about ten.
    fn curve(rate: f64) -> Vec<Sample> {
        let smoothed = |x: f64| 2.0 / (1.0 + (3.0 * x).exp()) + (4.0 * (x - 3.5)).exp();
        let sample = |step: u64| {
            let learning_rate = 1e-5 * 10f64.powf(step as f64 / 20.0);
            let loss = smoothed((learning_rate / rate).ln());
            Sample { step, learning_rate, loss, smoothed: loss }
        };
        (1..=120).map(sample).collect()
    }

    #[test]
    fn the_steepest_fall_is_suggested() {
        for rate in [1e-3, 1e-2, 0.1] {
            let found = steepest(&curve(rate)).expect("it falls");
            assert!((found / rate).ln().abs() < 0.2, "{found}, expected {rate}");
        }
    }

    #[test]
    fn where_nothing_falls_nothing_is_suggested() {
        let mut samples = curve(0.01);
        samples.iter_mut().for_each(|sample| sample.smoothed = 1.0 + sample.learning_rate);
        assert_eq!(steepest(&samples), None);
        assert_eq!(steepest(&samples[..5]), None);
        assert_eq!(steepest(&[]), None);
    }

    #[test]
    fn a_rise_ends_where_the_loss_diverges_or_the_range_is_over() {
        let rise = || {
            let range = Range { steps: 30, ..Range::default() };
            Rise { samples: Vec::new(), range, mean: 0.0, least: f64::INFINITY, diverged: false }
        };
        let mut flat = rise();
        assert_eq!((1..40).position(|_| flat.take(1.0, 0.1).is_break()), Some(29));
        assert!(!flat.diverged && flat.samples.iter().all(|s| (s.smoothed - 1.0).abs() < 1e-12));
        let mut steep = rise();
        let over = (1..40).position(|n| steep.take(if n < 10 { 1.0 } else { 1e3 }, 0.1).is_break());
        assert_eq!((over, steep.diverged), (Some(9), true));
        assert!(steep.take(1.0, 0.1).is_break(), "what was on its way does not count");
        assert_eq!(steep.samples.len(), 10);
    }
}
