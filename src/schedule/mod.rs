//! Learning-rate schedules: for each step a factor of the base rate, computed on the host. One of them also changes the
//! momentum.

mod one_cycle;
#[cfg(test)]
mod tests;

use crate::{
    Result,
    range::{check, difference, is_positive, not_negative, positive, share},
};
use std::f64::consts::PI;

/// The course of the learning rate over a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Decay {
    /// Constant rate.
    #[default]
    Constant,
    /// The rate is multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs between two drops.
        every: u32,
        /// Factor of each drop.
        factor: f64,
    },
    /// The rate decays by `factor` over every `every` epochs, a little in each step (Keras's `ExponentialDecay`).
    Exponential {
        /// Epochs for one factor.
        every: u32,
        /// Factor over these epochs.
        factor: f64,
    },
    /// The rate decays from the base rate to `last` times it along half a cosine (Loshchilov and Hutter 2017).
    Cosine {
        /// Share of the base rate at the end.
        last: f64,
    },
    /// Repeated cosine decays with warm restarts (SGDR, the same paper; Keras's `CosineDecayRestarts`).
    Restarts {
        /// Epochs of the first period.
        first: u32,
        /// Length of each period, relative to the one before it.
        longer: f64,
        /// Start of each period, relative to the one before it.
        lower: f64,
        /// Share of the base rate at the end of a period.
        last: f64,
    },
    /// The rate rises to the base rate and falls to almost nothing, once (Smith 2018), like PyTorch's `OneCycleLR` with
    /// cosines.
    OneCycle {
        /// Share of the steps in which the rate rises.
        rise: f64,
        /// Base rate divided by the first rate.
        div: f64,
        /// First rate divided by the last.
        final_div: f64,
        /// Least and greatest momentum, which moves opposite to the rate; `None` keeps the momentum.
        momentum: Option<[f64; 2]>,
    },
    /// The rate is multiplied by `factor` after epochs without improvement (Keras's `ReduceLROnPlateau`).
    Plateau {
        /// Factor of each drop.
        factor: f64,
        /// Epochs without improvement before a drop.
        patience: u64,
        /// An improvement must exceed this.
        min_delta: f64,
        /// Epochs after a drop that do not count.
        cooldown: u64,
        /// Least share of the base rate.
        min: f64,
    },
    /// The rate rises exponentially from the base rate to `last` times it in `steps` steps and then stays there; used
    /// to find a good rate.
    Rise {
        /// Multiple of the base rate at the end.
        last: f64,
        /// Steps until then.
        steps: u64,
    },
}

/// A warm-up, followed by a decay.
///
/// ```
/// use wgrad::schedule::{Decay, Schedule};
/// let schedule = Schedule { decay: Decay::Cosine { last: 0.0 }, warmup_steps: 10 };
/// schedule.validate()?;
/// let factor = |step| schedule.factor(step, 100, 2); // of the learning rate, in 2 epochs of 100 steps
/// assert_eq!((factor(4), factor(10)), (0.5, 1.0));
/// assert!(factor(199) < 0.001);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Schedule {
    /// The decay after the warm-up.
    pub decay: Decay,
    /// Steps over which the rate rises linearly from zero to the base rate (Goyal et al. 2017), or to the rate at which
    /// the decay begins.
    pub warmup_steps: u64,
}

/// The value between `start` and `end` along half a cosine, with `done` in [0, 1].
fn half_cosine(start: f64, end: f64, done: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * done).cos())
}

impl Schedule {
    /// The factor of the base rate at global step `step`, from 0, in a training of `epochs` epochs of `steps_per_epoch`
    /// steps.
    pub fn factor(&self, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
        self.factor_after(0, step, steps_per_epoch, epochs)
    }

    /// The factor of the base rate after `drops` drops of a plateau.
    pub fn factor_after(&self, drops: u32, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
        // Steps after the warm-up, at which some decays begin.
        let after = step.saturating_sub(self.warmup_steps);
        let total = (steps_per_epoch * epochs).saturating_sub(self.warmup_steps).max(1);
        let per_epoch = steps_per_epoch.max(1);
        let factor = match self.decay {
            Decay::Constant => 1.0,
            Decay::Step { every, factor } => {
                let epoch = step / per_epoch;
                factor.powi((epoch / u64::from(every.max(1))) as i32)
            }
            Decay::Exponential { every, factor } => {
                factor.powf(after as f64 / (per_epoch * u64::from(every.max(1))) as f64)
            }
            Decay::Cosine { last } => half_cosine(1.0, last, (after as f64 / total as f64).min(1.0)),
            Decay::Restarts { first, longer, lower, last } => {
                let (done, height) =
                    period(after as f64 / (per_epoch * u64::from(first.max(1))) as f64, longer, lower);
                last + (1.0 - last) * height * half_cosine(1.0, 0.0, done)
            }
            Decay::OneCycle { rise, div, final_div, .. } => {
                one_cycle::anneal([1.0 / div, 1.0, 1.0 / (div * final_div)], rise, after, total)
            }
            Decay::Plateau { factor, min, .. } => factor.powi(drops as i32).max(min),
            Decay::Rise { last, steps } => {
                last.powf(step.min(steps - 1) as f64 / steps.saturating_sub(1).max(1) as f64)
            }
        };
        if step < self.warmup_steps { factor * (step + 1) as f64 / self.warmup_steps as f64 } else { factor }
    }

    /// The momentum at a step, if the schedule changes it.
    pub fn momentum(&self, step: u64, steps_per_epoch: u64, epochs: u64) -> Option<f64> {
        let Decay::OneCycle { rise, momentum: Some([least, most]), .. } = self.decay else { return None };
        let total = (steps_per_epoch * epochs).saturating_sub(self.warmup_steps).max(1);
        Some(one_cycle::anneal([most, least, most], rise, step.saturating_sub(self.warmup_steps), total))
    }

    /// Checks that all numbers are in range.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        match self.decay {
            Decay::Constant => Ok(()),
            Decay::Step { factor, .. } | Decay::Exponential { factor, .. } => positive("factor", factor),
            Decay::Cosine { last } => not_negative("last", last),
            Decay::Restarts { longer, lower, last, .. } => {
                check("longer", longer, longer >= 1.0 && is_positive(longer), "a number from 1 to 3.4e38")?;
                positive("lower", lower)?;
                not_negative("last", last)
            }
            Decay::OneCycle { rise, div, final_div, momentum } => {
                check("rise", rise, (0.0..=1.0).contains(&rise), "a share from 0 to 1")?;
                positive("div", div)?;
                positive("final_div", final_div)?;
                for momentum in momentum.into_iter().flatten() {
                    share("decay.momentum", momentum)?;
                }
                Ok(())
            }
            Decay::Plateau { factor, min_delta, min, .. } => {
                check(
                    "factor",
                    factor,
                    is_positive(factor) && factor < 1.0,
                    "a number of at least 1.2e-38 and below 1",
                )?;
                difference("min_delta", min_delta)?;
                check("min", min, min.is_finite() && min >= 0.0, "a number from 0")
            }
            Decay::Rise { last, steps } => {
                check("the last rate", last, last.is_finite() && last > 0.0, "a number above 0")?;
                check("steps", steps as f64, steps > 0, "at least 1")
            }
        }
    }
}

/// Progress of the current period, in [0, 1], and the height at which it started. `done` counts in lengths of the first
/// period.
fn period(mut done: f64, longer: f64, lower: f64) -> (f64, f64) {
    let (mut length, mut height) = (1.0, 1.0);
    while done >= length && longer >= 1.0 {
        done -= length;
        length *= longer;
        height *= lower;
    }
    ((done / length).min(1.0), height)
}
