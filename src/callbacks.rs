//! Callbacks between epochs, with the names of Keras's: early stopping, a learning rate that drops on a plateau, a
//! target accuracy; and the choice of the best epoch. A loss that is not finite stops the training in [`crate::train`].
//!
//! The state of the callbacks is part of a checkpoint, so that a resumed training stops at the same epoch as an
//! uninterrupted one.

use crate::{Error, Result, loss::Loss, metrics::Metrics, range::difference, schedule::Decay};
use serde::{Deserialize, Serialize};

/// The monitored metric, of the validation images if there are any, else of the test images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Monitor {
    /// Mean loss, which should fall; Keras's default.
    #[default]
    Loss,
    /// Accuracy, which should rise.
    Accuracy,
}

impl Monitor {
    /// The value of the metric, negated if more is better.
    fn of(self, metrics: &Metrics) -> f64 {
        match self {
            Self::Loss => metrics.loss,
            Self::Accuracy => -metrics.accuracy,
        }
    }

    /// Name of the metric in messages, as in Keras: `val_loss` with validation images, `test_loss` without.
    pub fn name(self, validation: bool) -> &'static str {
        match (self, validation) {
            (Self::Loss, true) => "val_loss",
            (Self::Loss, false) => "test_loss",
            (Self::Accuracy, true) => "val_accuracy",
            (Self::Accuracy, false) => "test_accuracy",
        }
    }
}

/// Rule that selects the best epoch, whose weights are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Best {
    /// The epoch with the best monitored value; between equals, the one with the least loss.
    #[default]
    Monitored,
    /// The epoch with the highest accuracy, or the least loss of a regression, whatever is monitored. Runs recorded
    /// before this option existed use this rule, also when they are resumed.
    Accuracy,
}

impl Best {
    /// Default for records without the field.
    fn of_older_runs() -> Self {
        Self::Accuracy
    }
}

/// Stops a training that no longer improves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// Epochs without improvement before the training stops.
    pub patience: u64,
    /// An improvement must exceed this.
    pub min_delta: f64,
}

/// Monitored metric and stopping conditions.
///
/// ```
/// use wgrad::callbacks::{Callbacks, EarlyStopping, Monitor};
/// let early_stopping = Some(EarlyStopping { patience: 3, min_delta: 0.001 });
/// let callbacks = Callbacks { monitor: Monitor::Accuracy, early_stopping, ..Callbacks::default() };
/// callbacks.validate()?;
/// let beyond = Callbacks { target_accuracy: Some(92.0), ..callbacks };
/// assert!(beyond.validate().is_err()); // a share, in [0, 1]
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Callbacks {
    /// Metric of early stopping, [`Decay::Plateau`] and the choice of the best weights.
    pub monitor: Monitor,
    /// Rule that selects the best weights.
    #[serde(default = "Best::of_older_runs")]
    pub best: Best,
    /// Stops the training if nothing improves.
    pub early_stopping: Option<EarlyStopping>,
    /// Stops the training at this accuracy, in [0, 1].
    pub target_accuracy: Option<f64>,
}

impl Callbacks {
    /// Returns true if the epoch with metrics `new` is better than the one with `old`; false if both are equal.
    pub fn is_better(&self, new: &Metrics, old: &Metrics, loss: Loss) -> bool {
        let of = |metrics| self.monitor.of(metrics);
        match self.best {
            Best::Accuracy => new.judged(loss) > old.judged(loss),
            Best::Monitored => of(new) < of(old) || (of(new) == of(old) && new.loss < old.loss),
        }
    }

    /// Name, in messages, of the metric that selects the best epoch.
    pub fn decides(&self, validation: bool, loss: Loss) -> &'static str {
        match self.best {
            Best::Monitored => self.monitor,
            Best::Accuracy if loss.is_regression() => Monitor::Loss,
            Best::Accuracy => Monitor::Accuracy,
        }
        .name(validation)
    }

    /// Checks that all numbers are in range.
    ///
    /// # Errors
    /// [`Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        if let Some(EarlyStopping { min_delta, .. }) = self.early_stopping {
            difference("min_delta", min_delta)?;
        }
        match self.target_accuracy {
            Some(target) if !(0.0..=1.0).contains(&target) => Err(Error::Option {
                name: "target_accuracy",
                got: target.to_string(),
                expected: "a share from 0 to 1",
            }),
            _ => Ok(()),
        }
    }
}

/// State of a wait for improvement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The least value so far; accuracies are negated.
    pub best: Option<f64>,
    /// Epochs since the last improvement.
    pub wait: u64,
}

impl Waiting {
    /// Takes `value` as the best and returns true if it is less than the best by more than `min_delta`.
    fn improves(&mut self, value: f64, min_delta: f64) -> bool {
        let better = self.best.is_none_or(|best| value < best - min_delta);
        if better {
            *self = Self { best: Some(value), wait: 0 };
        }
        better
    }
}

/// State of the callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Wait of early stopping.
    pub stopping: Waiting,
    /// Wait of the plateau.
    pub plateau: Waiting,
    /// Epochs until the plateau counts again.
    pub cooldown: u64,
    /// Number of drops of the learning rate.
    pub drops: u32,
    /// True if the target accuracy has been reached.
    pub reached: bool,
}

/// Decision of the callbacks whether to stop before the last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The training continues.
    GoOn,
    /// The target accuracy has been reached.
    Reached,
    /// Early stopping: no improvement within its patience.
    Stopped,
}

impl Watch {
    /// Updates the state with an epoch's metrics, in the order of Keras's callbacks.
    pub fn observe(&mut self, judged: &Metrics, callbacks: &Callbacks, decay: &Decay) {
        let value = callbacks.monitor.of(judged);
        if let Decay::Plateau { patience, min_delta, cooldown, .. } = *decay {
            if self.cooldown > 0 {
                self.cooldown -= 1;
                self.plateau.wait = 0;
            }
            if !self.plateau.improves(value, min_delta) && self.cooldown == 0 {
                self.plateau.wait += 1;
                if self.plateau.wait >= patience {
                    self.drops += 1;
                    self.cooldown = cooldown;
                    self.plateau.wait = 0;
                }
            }
        }
        if let Some(EarlyStopping { min_delta, .. }) = callbacks.early_stopping
            && !self.stopping.improves(value, min_delta)
        {
            self.stopping.wait += 1;
        }
        self.reached |= callbacks.target_accuracy.is_some_and(|target| judged.accuracy >= target);
    }

    /// Returns the decision after the last observed epoch.
    pub fn verdict(&self, callbacks: &Callbacks) -> Verdict {
        let waited = |stopping: EarlyStopping| self.stopping.wait >= stopping.patience.max(1);
        if self.reached && callbacks.target_accuracy.is_some() {
            Verdict::Reached
        } else if callbacks.early_stopping.is_some_and(waited) {
            Verdict::Stopped
        } else {
            Verdict::GoOn
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(loss: f64) -> Metrics {
        Metrics { loss, accuracy: 1.0 - loss, images: 1, ..Metrics::default() }
    }

    /// The epochs, from 1, after which the rate drops, and the epoch after which the training is over.
    fn watch(losses: &[f64], callbacks: &Callbacks, decay: &Decay) -> (Vec<usize>, Option<usize>) {
        let (mut watch, mut drops, mut over) = (Watch::default(), Vec::new(), None);
        for (epoch, loss) in losses.iter().enumerate() {
            let before = watch.drops;
            watch.observe(&metrics(*loss), callbacks, decay);
            drops.extend((watch.drops > before).then_some(epoch + 1));
            if watch.verdict(callbacks) != Verdict::GoOn {
                over = over.or(Some(epoch + 1));
            }
        }
        (drops, over)
    }

    #[test]
    fn early_stopping_waits_for_an_improvement_of_more_than_min_delta() {
        let losses = [0.5, 0.4, 0.395, 0.39, 0.3, 0.31, 0.32, 0.33];
        let over = |patience, min_delta, monitor| {
            let early_stopping = Some(EarlyStopping { patience, min_delta });
            let callbacks = Callbacks { monitor, early_stopping, ..Callbacks::default() };
            watch(&losses, &callbacks, &Decay::Constant).1
        };
        for monitor in [Monitor::Loss, Monitor::Accuracy] {
            assert_eq!(over(0, 0.0, monitor), Some(6), "the first epoch that is no better");
            assert_eq!(over(1, 0.0, monitor), Some(6));
            assert_eq!(over(3, 0.0, monitor), Some(8));
            assert_eq!(over(2, 0.05, monitor), Some(4));
            assert_eq!(over(4, 0.0, monitor), None);
        }
    }

    #[test]
    fn the_monitored_number_decides_and_the_loss_between_equals() {
        let epoch = |loss, accuracy| Metrics { loss, accuracy, images: 1, ..Metrics::default() };
        let better = |monitor, best, new: [f64; 2], old: [f64; 2]| {
            let callbacks = Callbacks { monitor, best, ..Callbacks::default() };
            let [new, old] = [new, old].map(|[loss, accuracy]| epoch(loss, accuracy));
            callbacks.is_better(&new, &old, Loss::SoftmaxCrossEntropy)
        };
        // Lower loss, and lower accuracy.
        let (new, old) = ([0.4, 0.7], [0.5, 0.8]);
        assert!(better(Monitor::Loss, Best::Monitored, new, old));
        assert!(!better(Monitor::Accuracy, Best::Monitored, new, old));
        // Older runs use the accuracy, whatever they monitor.
        assert!(!better(Monitor::Loss, Best::Accuracy, new, old));
        assert!(better(Monitor::Loss, Best::Accuracy, old, new));
        // Equal accuracy, lower loss.
        assert!(better(Monitor::Accuracy, Best::Monitored, [0.04, 0.9], [0.09, 0.9]));
        assert!(!better(Monitor::Accuracy, Best::Accuracy, [0.04, 0.9], [0.09, 0.9]));
        assert!(!better(Monitor::Accuracy, Best::Monitored, [0.09, 0.9], [0.09, 0.9]));
    }

    #[test]
    fn a_record_that_says_nothing_of_the_best_is_an_older_one() {
        let read = |text| serde_json::from_str::<Callbacks>(text).expect("a record");
        let older = read(r#"{"monitor":"loss","early_stopping":null,"target_accuracy":null}"#);
        assert_eq!(
            (older.best, older.decides(true, Loss::SoftmaxCrossEntropy)),
            (Best::Accuracy, "val_accuracy")
        );
        assert_eq!(older.decides(false, Loss::MeanSquaredError), "test_loss");
        let new = serde_json::to_string(&Callbacks::default()).expect("JSON");
        assert_eq!(read(&new).decides(true, Loss::SoftmaxCrossEntropy), "val_loss");
    }

    #[test]
    fn a_target_is_an_accuracy() {
        let over = |target| {
            let callbacks = Callbacks { target_accuracy: Some(target), ..Callbacks::default() };
            watch(&[0.5, 0.25, 0.4], &callbacks, &Decay::Constant).1
        };
        assert_eq!((over(0.5), over(0.75), over(0.8)), (Some(1), Some(2), None));
    }

    // The epochs are those of Keras 3.15's ReduceLROnPlateau on the same losses.
    #[test]
    fn a_plateau_lowers_the_rate_as_in_keras() {
        let losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.89995, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
        let drops = |patience, cooldown| {
            let decay = Decay::Plateau { factor: 0.5, patience, min_delta: 1e-4, cooldown, min: 0.0 };
            watch(&losses, &Callbacks::default(), &decay).0
        };
        assert_eq!(drops(2, 0), [4, 6, 8, 11, 13]);
        assert_eq!(drops(2, 3), [4, 8, 12]);
        assert_eq!(drops(1, 1), [3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14]);
    }
}
