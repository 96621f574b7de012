//! What the lines of a training say to a person: which epoch was best, and whether more epochs would help.

use super::EpochLine;
use crate::{loss::Loss, train::Metrics};

/// How the loss on images that were not trained on moved in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Too few epochs to tell.
    Unknown,
    /// It rises since this epoch, while the training loss still falls.
    Overfits {
        /// The epoch with the least loss.
        since: u64,
    },
    /// It still falls: by this share in each of the last epochs, on average.
    Improving {
        /// The share of the loss that an epoch takes away.
        by: f64,
    },
    /// It moves no more.
    Settled,
}

/// What came out of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The line of the epoch whose weights are kept as best.
    pub best: EpochLine,
    /// The last line.
    pub last: EpochLine,
    /// Where it is heading.
    pub trend: Trend,
}

/// From fewer epochs no trend is read.
const FEWEST: usize = 4;
/// A loss that moves by a smaller share stands still.
const STILL: f64 = 0.005;

impl EpochLine {
    /// What judges the epoch: the metrics on the validation images if there are any, else on the test images.
    pub fn judged(&self) -> Metrics {
        Metrics {
            loss: self.validation_loss.unwrap_or(self.test_loss),
            accuracy: self.validation_accuracy.unwrap_or(self.test_accuracy),
            images: 0,
        }
    }
}

impl Outcome {
    /// What `lines` say of a training on `loss`; nothing where no epoch has ended.
    pub fn of(lines: &[EpochLine], loss: Loss) -> Option<Self> {
        let last = *lines.last()?;
        let judged = |line: &EpochLine| line.judged().judged(loss);
        // The first of equals, as a run keeps it.
        let better = |a: EpochLine, b: EpochLine| if judged(&b) > judged(&a) { b } else { a };
        let best = lines.iter().copied().reduce(better)?;
        Some(Self { best, last, trend: trend(lines) })
    }

    /// In words that tell what to do.
    pub fn words(&self) -> String {
        let what = if self.last.validation_loss.is_some() { "validation" } else { "test" };
        match self.trend {
            Trend::Unknown => "too few epochs to tell whether more would help".to_string(),
            Trend::Overfits { since } => format!(
                "it overfits: the {what} loss rises since epoch {since} while the training loss falls; try --augment, \
                 --weight-decay, dropout, --label-smoothing or fewer epochs (--patience 3)"
            ),
            Trend::Improving { by } => {
                format!("it still improves: the {what} loss falls by {:.1} % an epoch; train on", 100.0 * by)
            }
            Trend::Settled => format!(
                "it has settled: the {what} loss moves no more; another --schedule, a larger network or --augment may \
                 bring more"
            ),
        }
    }
}

fn trend(lines: &[EpochLine]) -> Trend {
    let losses: Vec<f64> = lines.iter().map(|line| line.judged().loss).collect();
    if lines.len() < FEWEST {
        return Trend::Unknown;
    }
    let end = lines.len() - 1;
    // The first of equals: since then nothing was gained.
    let least = (0..=end).fold(0, |least, n| if losses[n] < losses[least] { n } else { least });
    // The last quarter of the epochs, two at least: one that is worse is chance.
    let window = (lines.len() / 4).max(2);
    let rises = losses[end] > losses[least] * (1.0 + 2.0 * STILL);
    if end - least >= window && rises && lines[end].train_loss < lines[least].train_loss {
        return Trend::Overfits { since: lines[least].epoch };
    }
    let from = losses[end - window];
    let by = 1.0 - (losses[end] / from).powf(1.0 / window as f64);
    if by > STILL { Trend::Improving { by } } else { Trend::Settled }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Trend};
    use crate::{loss::Loss, run::EpochLine};

    fn outcome(train: &[f64], test: &[f64]) -> Outcome {
        let line = |(n, (train, test)): (usize, (&f64, &f64))| EpochLine {
            epoch: n as u64 + 1,
            step: n as u64,
            train_loss: *train,
            train_accuracy: 1.0 - train,
            validation_loss: None,
            validation_accuracy: None,
            test_loss: *test,
            test_accuracy: 1.0 - test,
            images_per_second: 1.0,
        };
        let lines: Vec<_> = train.iter().zip(test).enumerate().map(line).collect();
        Outcome::of(&lines, Loss::SoftmaxCrossEntropy).expect("some epochs")
    }

    #[test]
    fn trends_are_told_apart() {
        let falling = [0.8, 0.6, 0.5, 0.4, 0.3, 0.2];
        let found = outcome(&falling, &[0.7, 0.5, 0.4, 0.42, 0.45, 0.5]);
        assert_eq!((found.trend, found.best.epoch, found.last.epoch), (Trend::Overfits { since: 3 }, 3, 6));
        assert!(found.words().contains("since epoch 3") && found.words().contains("--augment"));
        let found = outcome(&falling, &[0.8, 0.7, 0.6, 0.5, 0.4, 0.324]);
        let Trend::Improving { by } = found.trend else { panic!("{found:?}") };
        assert!((by - 0.195).abs() < 0.001, "{by}");
        assert_eq!(outcome(&falling, &[0.8, 0.5, 0.4, 0.4, 0.4, 0.4]).trend, Trend::Settled);
        // Both rise: it diverges, which is no overfitting.
        assert_eq!(outcome(&[0.3, 0.4, 0.5, 0.6], &[0.3, 0.4, 0.5, 0.6]).trend, Trend::Settled);
        // A single worse epoch at the end tells nothing.
        assert_eq!(outcome(&falling, &[0.8, 0.7, 0.6, 0.5, 0.4, 0.41]).best.epoch, 5);
        assert_eq!(outcome(&falling[..3], &[0.7, 0.5, 0.6]).trend, Trend::Unknown);
    }
}
