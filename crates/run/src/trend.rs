//! Interpretation of the lines of a training: which epoch was best, whether anything was learned at all, and whether
//! more epochs would help.

use super::{Config, EpochLine};
use wgrad::{data::Dataset, loss::Loss, metrics::Metrics};

/// Trend of the loss on held-out images at the end of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Too few epochs to tell.
    Unknown,
    /// Too few steps to tell.
    Short {
        /// Number of steps.
        steps: u64,
    },
    /// The network is no better than a constant answer.
    Chance {
        /// The last epoch after which it did better, if any.
        after: Option<u64>,
    },
    /// The loss rises since this epoch, while the training loss still falls.
    Overfits {
        /// The epoch with the least loss.
        since: u64,
    },
    /// The loss rises since this epoch, and so does the training loss.
    Diverges {
        /// The epoch with the least loss.
        since: u64,
    },
    /// The loss still falls: by this share in each of the last epochs, on average.
    Improving {
        /// Share of the loss that an epoch removes.
        by: f64,
    },
    /// The loss has levelled off.
    Settled,
    /// Nothing is left to gain: every answer is right, or R² rounds to 1.
    Perfect,
}

/// Accuracy of always predicting the largest class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// Share of that class.
    pub share: f64,
    /// Number of images on which it is computed.
    pub images: usize,
}

/// Outcome of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Line of the epoch whose weights are kept as best.
    pub best: EpochLine,
    /// The last line.
    pub last: EpochLine,
    /// Trend at the end.
    pub trend: Trend,
    chance: Option<Chance>,
}

/// Minimum number of epochs for a trend.
const FEWEST: usize = 4;
/// Minimum number of steps for a network to learn anything.
pub const FEWEST_STEPS: u64 = 100;
/// Relative change per epoch below which a loss counts as constant.
const STILL: f64 = 0.005;
/// Standard errors above chance up to which an accuracy counts as chance (one-sided 5 % level).
const ERRORS: f64 = 1.645;
/// R² up to which a network counts as explaining nothing.
const EXPLAINS: f64 = 0.01;
/// R² from which it is displayed as 1.
const ALL: f64 = 0.99995;

impl Chance {
    /// Computes the chance level of the images that judge the epochs of a training on `data`; `None` without classes.
    pub fn of(data: &Dataset) -> Option<Self> {
        let split = data.validation.as_ref().unwrap_or(&data.test);
        let largest = data.class_counts(split).into_iter().max()?;
        let images = split.len();
        (images > 0).then(|| Self { share: largest as f64 / images as f64, images })
    }

    /// Returns true if an accuracy on these images is no better than chance.
    fn reaches(self, accuracy: f64) -> bool {
        let error = (self.share * (1.0 - self.share) / self.images as f64).sqrt();
        accuracy <= self.share + ERRORS * error
    }
}

impl EpochLine {
    /// Returns the metrics that judge the epoch: those on the validation images if there are any, else on the test
    /// images.
    pub fn judged(&self) -> Metrics {
        Metrics {
            loss: self.validation_loss.unwrap_or(self.test_loss),
            accuracy: self.validation_accuracy.unwrap_or(self.test_accuracy),
            ..Metrics::default()
        }
    }

    /// Returns the R² on the images that judge the epoch, if known.
    fn judged_r2(&self) -> Option<f64> {
        if self.validation_loss.is_some() { self.errors.validation_r2 } else { self.errors.test_r2 }
    }

    /// Returns true if nothing is left to gain in the metric that judges the network.
    fn is_perfect(&self, loss: Loss) -> bool {
        match loss.is_regression() {
            true => self.judged_r2().is_some_and(|r2| r2 >= ALL),
            false => self.judged().accuracy >= 1.0,
        }
    }

    /// Returns true if the network is no better than a constant answer; false if that is unknown.
    fn is_chance(&self, loss: Loss, chance: Option<Chance>) -> bool {
        match loss.is_regression() {
            true => self.judged_r2().is_some_and(|r2| r2 <= EXPLAINS),
            false => chance.is_some_and(|chance| chance.reaches(self.judged().accuracy)),
        }
    }
}

impl Outcome {
    /// Interprets the `lines` of the training `config`; `None` if no epoch has ended. Without `chance`, a
    /// classification is not compared with the chance level.
    pub fn of(lines: &[EpochLine], config: &Config, chance: Option<Chance>) -> Option<Self> {
        let loss = config.model.loss().ok()?;
        let last = *lines.last()?;
        // The first of equals, as a run keeps it.
        let better = |a: EpochLine, b: EpochLine| {
            let callbacks = &config.options.callbacks;
            if callbacks.is_better(&b.judged(), &a.judged(), loss) { b } else { a }
        };
        let best = lines.iter().copied().reduce(better)?;
        let is_chance = |line: &EpochLine| line.is_chance(loss, chance);
        let known = lines.len() >= FEWEST;
        let trend = match (last.step < FEWEST_STEPS, is_chance(&last)) {
            (true, true) => Trend::Short { steps: last.step },
            (true, false) if !known => Trend::Short { steps: last.step },
            (false, true) => {
                let other = lines.iter().rev().find(|line| !is_chance(line));
                Trend::Chance { after: other.map(|line| line.epoch) }
            }
            (_, false) => match trend(lines) {
                // An R² near 1 can come closer to it; an accuracy of 1 cannot improve.
                Trend::Improving { by } if loss.is_regression() => Trend::Improving { by },
                Trend::Improving { .. } | Trend::Settled | Trend::Unknown if last.is_perfect(loss) => {
                    Trend::Perfect
                }
                trend => trend,
            },
        };
        Some(Self { best, last, trend, chance })
    }

    /// Describes the outcome in words, with advice for the training `config`.
    pub fn words(&self, config: &Config) -> String {
        let regression = config.model.loss().is_ok_and(Loss::is_regression);
        let table = config.data.table.is_some();
        let what = if self.last.validation_loss.is_some() { "validation" } else { "test" };
        match self.trend {
            Trend::Unknown => "too few epochs to tell whether more would help".to_string(),
            Trend::Short { steps } => format!(
                "only {steps} {} of training: too few to learn from; more `.epochs` or a smaller `.batch` make more",
                if steps == 1 { "step" } else { "steps" }
            ),
            Trend::Chance { after: None } => {
                format!("it learned nothing: {}; try another learning rate", self.chance_words(regression))
            }
            Trend::Chance { after: Some(epoch) } => format!(
                "it has lost what it knew after epoch {epoch}: {}; try a lower learning rate",
                self.chance_words(regression)
            ),
            Trend::Overfits { since } => {
                let mut ways = vec!["`.weight_decay`", "dropout"];
                if !table {
                    ways.insert(0, "`.augment`");
                }
                if !regression {
                    ways.push("`.label_smoothing`");
                }
                format!(
                    "it overfits: the {what} loss has risen since epoch {since} while the training loss falls; try {} or fewer \
                     epochs (`.patience = 3`)",
                    ways.join(", ")
                )
            }
            Trend::Diverges { since } => format!(
                "it gets worse: the {what} loss has risen since epoch {since}, and so has the training loss; try a lower \
                 learning rate"
            ),
            Trend::Improving { by } => format!(
                "still improving ({what} loss -{:.1} % per epoch): more epochs should help",
                100.0 * by
            ),
            Trend::Perfect => {
                let r2 = self.last.judged_r2().map_or("–".to_string(), |r2| format!("{r2:.4}"));
                let all = if regression {
                    format!("R² is {r2}")
                } else {
                    "all predictions are correct".to_string()
                };
                format!("nothing is left to gain on the {what} part: {all}")
            }
            Trend::Settled => format!(
                "the {what} loss has levelled off; to go further, try another `.schedule`{}",
                if table { " or a larger network" } else { ", a larger network or `.augment`" }
            ),
        }
    }

    fn chance_words(&self, regression: bool) -> String {
        let what = if self.last.validation_loss.is_some() { "validation" } else { "test" };
        if regression {
            let r2 = self.last.judged_r2().map_or("–".to_string(), |r2| format!("{r2:.4}"));
            return format!("R² {r2} is no better than always predicting the mean of the {what} labels");
        }
        let Chance { share, .. } = self.chance.unwrap_or(Chance { share: 0.0, images: 0 });
        let accuracy = self.last.judged().accuracy;
        format!("accuracy {accuracy:.4} is chance (the largest class has {share:.4} of the {what} part)")
    }
}

fn trend(lines: &[EpochLine]) -> Trend {
    let losses: Vec<f64> = lines.iter().map(|line| line.judged().loss).collect();
    if lines.len() < FEWEST {
        return Trend::Unknown;
    }
    let end = lines.len() - 1;
    // The first of equals: nothing was gained since then.
    let least = (0..=end).fold(0, |least, n| if losses[n] < losses[least] { n } else { least });
    // The last quarter of the epochs, at least two: a single worse epoch may be chance.
    let window = (lines.len() / 4).max(2);
    let rises = losses[end] > losses[least] * (1.0 + 2.0 * STILL);
    if end - least >= window && rises {
        let since = lines[least].epoch;
        return match lines[end].train_loss < lines[least].train_loss {
            true => Trend::Overfits { since },
            false => Trend::Diverges { since },
        };
    }
    let from = losses[end - window];
    let by = 1.0 - (losses[end] / from).powf(1.0 / window as f64);
    if by > STILL { Trend::Improving { by } } else { Trend::Settled }
}

#[cfg(test)]
mod tests {
    use super::{Chance, Outcome, Trend};
    use crate::{Config, DataRecord, EpochLine, Errors};
    use wgrad::metrics::OfHeads;
    use wgrad::{
        callbacks::{Best, Monitor},
        gpu::AdapterRecord,
        loss::Loss,
        networks::network_for,
        op::AdapterClass,
        train::Options,
    };
    use wgrad_data::{Reading, synthetic::synthetic};

    /// A training by `loss`, and the lines of epochs of 100 steps.
    fn config(loss: Loss) -> Config {
        let data = synthetic(0, 1, 1);
        let record = DataRecord::of(&data, String::new(), None, None, Reading::default());
        let adapter = AdapterRecord {
            name: String::new(),
            backend: String::new(),
            driver: String::new(),
            class: AdapterClass::Cpu,
        };
        let model = network_for("mlp", [28, 28, 1], 10, loss).expect("built in");
        Config::new(model, record, Options::default(), adapter)
    }

    fn lines(train: &[f64], test: &[f64], accuracy: impl Fn(usize, f64) -> f64) -> Vec<EpochLine> {
        let line = |(n, (train, test)): (usize, (&f64, &f64))| EpochLine {
            epoch: n as u64 + 1,
            step: 100 * (n as u64 + 1),
            train_loss: *train,
            train_accuracy: 1.0 - train,
            validation_loss: None,
            validation_accuracy: None,
            test_loss: *test,
            test_accuracy: accuracy(n, *test),
            errors: Errors::default(),
            train_outputs: OfHeads::default(),
            validation_outputs: OfHeads::default(),
            test_outputs: OfHeads::default(),
            images_per_second: 1.0,
            train_seconds: None,
            evaluation_seconds: None,
        };
        train.iter().zip(test).enumerate().map(line).collect()
    }

    const TEN: Option<Chance> = Some(Chance { share: 0.1, images: 10_000 });

    fn outcome(train: &[f64], test: &[f64]) -> Outcome {
        let lines = lines(train, test, |_, loss| 1.0 - loss);
        Outcome::of(&lines, &config(Loss::SoftmaxCrossEntropy), TEN).expect("some epochs")
    }

    #[test]
    fn trends_are_distinguished() {
        let falling = [0.8, 0.6, 0.5, 0.4, 0.3, 0.2];
        let config = config(Loss::SoftmaxCrossEntropy);
        let found = outcome(&falling, &[0.7, 0.5, 0.4, 0.42, 0.45, 0.5]);
        assert_eq!((found.trend, found.best.epoch, found.last.epoch), (Trend::Overfits { since: 3 }, 3, 6));
        let words = found.words(&config);
        assert!(words.contains("since epoch 3") && words.contains("`.augment`"), "{words}");
        let found = outcome(&falling, &[0.8, 0.7, 0.6, 0.5, 0.4, 0.324]);
        let Trend::Improving { by } = found.trend else { panic!("{found:?}") };
        assert!((by - 0.195).abs() < 0.001, "{by}");
        assert_eq!(outcome(&falling, &[0.8, 0.5, 0.4, 0.4, 0.4, 0.4]).trend, Trend::Settled);
        // Both rise: it diverges, which is not overfitting.
        let found = outcome(&[0.3, 0.4, 0.5, 0.6], &[0.3, 0.4, 0.5, 0.6]);
        assert_eq!(found.trend, Trend::Diverges { since: 1 });
        // A single worse epoch at the end is not significant.
        assert_eq!(outcome(&falling, &[0.8, 0.7, 0.6, 0.5, 0.4, 0.41]).best.epoch, 5);
        assert_eq!(outcome(&falling[..3], &[0.7, 0.5, 0.6]).trend, Trend::Unknown);
    }

    #[test]
    fn the_best_epoch_is_that_of_the_monitored_number() {
        // The loss is least in epoch 1, the accuracy greatest in 2, and again in 3 with less loss.
        let lines = lines(&[0.5; 3], &[0.5, 0.9, 0.7], |n, _| [0.6, 0.8, 0.8][n]);
        let best = |monitor, best| {
            let mut config = config(Loss::SoftmaxCrossEntropy);
            (config.options.callbacks.monitor, config.options.callbacks.best) = (monitor, best);
            Outcome::of(&lines, &config, TEN).expect("some epochs").best.epoch
        };
        assert_eq!(best(Monitor::Loss, Best::Monitored), 1);
        assert_eq!(best(Monitor::Accuracy, Best::Monitored), 3);
        assert_eq!(best(Monitor::Loss, Best::Accuracy), 2, "as an older run chose");
    }

    #[test]
    fn what_is_no_better_than_chance_has_learned_nothing() {
        let of = |accuracies: &[f64], chance| {
            let losses = vec![2.3; accuracies.len()];
            let config = config(Loss::SoftmaxCrossEntropy);
            let found = Outcome::of(&lines(&losses, &losses, |n, _| accuracies[n]), &config, chance);
            let found = found.expect("some epochs");
            (found.trend, found.words(&config))
        };
        let (trend, words) = of(&[0.1; 5], TEN);
        assert_eq!(trend, Trend::Chance { after: None });
        assert!(words.contains("learned nothing: accuracy 0.1000 is chance"), "{words}");
        // One standard error of 10,000 images is 0.003.
        assert_eq!(of(&[0.104; 5], TEN).0, Trend::Chance { after: None });
        assert_eq!(of(&[0.11; 5], TEN).0, Trend::Settled);
        assert_eq!(of(&[0.1; 5], None).0, Trend::Settled, "unknown");
        let (trend, words) = of(&[0.5, 0.6, 0.1, 0.1, 0.1], TEN);
        assert_eq!(trend, Trend::Chance { after: Some(2) });
        assert!(words.contains("after epoch 2"), "{words}");
        // 95 % of one class: always predicting it is right for 95 %.
        let most = Some(Chance { share: 0.95, images: 1000 });
        assert_eq!(of(&[0.95; 5], most).0, Trend::Chance { after: None });
        // A regression is compared with the mean.
        let regression = |r2, steps| {
            let mut lines = lines(&[1.0; 5], &[1.0; 5], |_, _| f64::NAN);
            for line in &mut lines {
                (line.errors.test_r2, line.step) = (Some(r2), line.step * steps / 100);
            }
            let config = config(Loss::MeanSquaredError);
            let found = Outcome::of(&lines, &config, None).expect("some epochs");
            (found.trend, found.words(&config))
        };
        let (trend, words) = regression(-0.02, 100);
        assert_eq!(trend, Trend::Chance { after: None });
        assert!(words.contains("R² -0.0200") && !words.contains("accuracy"), "{words}");
        assert_eq!(regression(0.4, 100).0, Trend::Settled);
        // Nothing is left to gain, regardless of the loss.
        let (trend, words) = regression(0.999_96, 100);
        assert_eq!(trend, Trend::Perfect);
        assert!(words.contains("nothing is left to gain on the test part: R² is 1.0000"), "{words}");
        assert_eq!(regression(0.9999, 100).0, Trend::Settled);
        let falling = |accuracy: f64| {
            let losses = [0.5, 0.4, 0.3, 0.2, 0.1];
            let config = config(Loss::SoftmaxCrossEntropy);
            let found = Outcome::of(&lines(&losses, &losses, |_, _| accuracy), &config, TEN).expect("epochs");
            (matches!(found.trend, Trend::Improving { .. }), found.words(&config))
        };
        assert!(falling(0.99).0 && falling(0.99).1.contains("more epochs should help"));
        let (improving, words) = falling(1.0);
        assert!(
            !improving && words.contains("all predictions are correct") && !words.contains("more epochs"),
            "{words}"
        );
        // A few steps do not show whether a learning rate is suitable.
        let (trend, words) = regression(-0.02, 3);
        assert_eq!(trend, Trend::Short { steps: 15 });
        assert!(words.contains("only 15 steps"), "{words}");
    }

    #[test]
    fn advice_fits_the_data() {
        let falling = [0.8, 0.6, 0.5, 0.4, 0.3, 0.2];
        let found = outcome(&falling, &[0.7, 0.5, 0.4, 0.42, 0.45, 0.5]);
        let mut table = config(Loss::MeanSquaredError);
        table.data.table = Some(wgrad_data::table::Table {
            columns: Vec::new(),
            label: wgrad_data::table::Label {
                name: "y".into(),
                place: 0,
                kind: wgrad_data::table::Kind::Number { mean: 0.0, deviation: 1.0 },
                format: Default::default(),
                missing: 0,
            },
            absent: Default::default(),
            fields: None,
        });
        let words = found.words(&table);
        for refused in ["`.augment`", "`.label_smoothing`"] {
            assert!(!words.contains(refused), "{words}");
        }
    }
}
