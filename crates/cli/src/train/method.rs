//! Options for the optimizer, the schedule and the callbacks. Names and defaults are Keras's.

use crate::{
    fields::bare,
    numbers::{GROUP, NumberArgs, usual},
};
use anyhow::{Result, bail};
use clap::{
    Args, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser},
};
use std::{sync::LazyLock, time::Duration};
use wgrad::{
    callbacks::{Best, Callbacks, EarlyStopping, Monitor},
    data::Dataset,
    loss::Loss,
    optim::{Method, Optimizer},
    schedule::{Decay, Schedule},
};

/// Names of the methods, each with a line about it.
static NAMES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let methods = Method::all();
    methods.iter().map(|method| (method.about().name, bare(method.about().line))).collect()
});

static RATE: LazyLock<String> =
    LazyLock::new(|| format!("Learning rate [default: {}]", usual(|about| about.learning_rate)));

static DECAY: LazyLock<String> = LazyLock::new(|| {
    let usual = usual(|about| about.weight_decay);
    format!("Weight decay: for sgd added to the gradient (L2), for all others decoupled [default: {usual}]")
});

fn names() -> PossibleValuesParser {
    let values = NAMES.iter().map(|(name, line)| PossibleValue::new(*name).help(line.as_str()));
    values.collect::<Vec<_>>().into()
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Constant rate
    Constant,
    /// Drops every few epochs
    Step,
    /// Falls a little at each step
    Exponential,
    /// Falls along half a cosine
    Cosine,
    /// Falls along half a cosine repeatedly, each time longer (SGDR)
    Restarts,
    /// Rises, then falls to almost nothing; the momentum moves the other way
    OneCycle,
    /// Drops when the monitored value stops improving
    Plateau,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Watched {
    /// The mean loss: of the validation images if there are any, else of the test images
    Loss,
    /// The accuracy, of the same images
    Accuracy,
    /// The loss of the validation images, which must exist
    ValLoss,
    /// The accuracy of the validation images, which must exist
    ValAccuracy,
}

/// Options for the optimizer.
#[derive(Args, Clone)]
#[command(next_help_heading = "Optimizer")]
pub struct MethodArgs {
    // Each option names its group, since clap leaves that of a struct empty where another one is flattened into it.
    /// Optimizer [default: sgd; adam for few pictures]
    #[arg(long, group = GROUP, value_parser = names())]
    optimizer: Option<String>,
    #[arg(long, group = GROUP, value_name = "X", help = RATE.as_str())]
    pub lr: Option<f64>,
    #[command(flatten)]
    numbers: NumberArgs,
    #[arg(long, group = GROUP, value_name = "X", help = DECAY.as_str())]
    weight_decay: Option<f64>,
    /// Scale the gradients so that their global norm is at most this
    #[arg(long, group = GROUP, value_name = "NORM")]
    global_clipnorm: Option<f64>,
    /// Keep a moving average of the weights with this decay rate (0.99), and evaluate and use that
    #[arg(long, group = GROUP, value_name = "MOMENTUM")]
    ema: Option<f64>,
}

/// Options for the schedule of the learning rate.
#[derive(Args, Clone)]
#[command(next_help_heading = "Schedule")]
pub struct ScheduleArgs {
    /// Schedule of the learning rate after the warm-up
    #[arg(long, value_enum, default_value_t = Shape::Constant)]
    schedule: Shape,
    /// Warm-up steps, over which the learning rate rises to the start of the schedule
    #[arg(long, value_name = "N", default_value_t = 0)]
    warmup_steps: u64,
    /// Epochs between two drops of `step`, per factor of `exponential`, or in the first period of `restarts`
    /// [default: 2, 1, 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    step_every: Option<u32>,
    /// Factor of the rate for `step`, `exponential` and `plateau`; final share of the rate for `cosine` and `restarts`
    /// [default: 0.1, 0.9, 0.1, 0, 0]
    #[arg(long, value_name = "X")]
    decay: Option<f64>,
    /// Ratio of the length of each period of `restarts` to that of the one before it
    #[arg(long, value_name = "X", default_value_t = 2.0)]
    restart_longer: f64,
    /// Ratio of the rate at the start of each period of `restarts` to that of the one before it
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    restart_lower: f64,
    /// Share of the steps in which `one-cycle` rises
    #[arg(long, value_name = "X", default_value_t = 0.3)]
    rise: f64,
    /// Ratio of the learning rate to the first rate of `one-cycle`
    #[arg(long, value_name = "X", default_value_t = 25.0)]
    div_factor: f64,
    /// Ratio of the first learning rate of `one-cycle` to its last
    #[arg(long, value_name = "X", default_value_t = 1e4)]
    final_div_factor: f64,
    /// Least and greatest momentum (or beta_1) of `one-cycle`, or `none` [default: 0.85,0.95 if the optimizer has one]
    #[arg(long, value_name = "X,Y", value_parser = momenta)]
    cycle_momentum: Option<Momenta>,
    /// Epochs without improvement after which `plateau` drops the rate
    #[arg(long, value_name = "N", default_value_t = 10)]
    plateau_patience: u64,
    /// Epochs after a drop that `plateau` does not count
    #[arg(long, value_name = "N", default_value_t = 0)]
    cooldown: u64,
    /// Least learning rate of `plateau`
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    min_lr: f64,
}

/// Options for the end of a training.
#[derive(Args, Clone)]
#[command(next_help_heading = "Stopping")]
pub struct StopArgs {
    /// Stop after N epochs without improvement, on the validation images if there are any, else on the test images
    #[arg(long, value_name = "N")]
    patience: Option<u64>,
    /// Change beyond which an epoch counts as improvement [default: 0 for --patience, 0.0001 for `--schedule plateau`]
    #[arg(long, value_name = "X")]
    min_delta: Option<f64>,
    /// Metric that decides which epoch is the best, and that `--patience` and `--schedule plateau` watch
    #[arg(long, value_enum, default_value_t = Watched::Loss)]
    monitor: Watched,
    /// Stop when this accuracy is reached; exit code 1 if it is not
    #[arg(long, value_name = "SHARE")]
    target_accuracy: Option<f64>,
}

/// A least and a greatest momentum, or none.
type Momenta = std::sync::Arc<Option<[f64; 2]>>;

fn momenta(text: &str) -> Result<Momenta, String> {
    if text == "none" {
        return Ok(None.into());
    }
    let numbers = text.split_once(',').map(|(a, b)| (a.trim().parse(), b.trim().parse()));
    match numbers {
        Some((Ok(least), Ok(most))) => Ok(Some([least, most]).into()),
        _ => Err("expected two numbers such as 0.85,0.95, or `none`".to_string()),
    }
}

/// Parses a time such as `90s`, `10m`, `2h`, or seconds.
pub fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    let seconds: Option<f64> = number.trim().parse().ok().map(|n: f64| n * unit);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "expected a time such as 60s, 10m or 2h".to_string())
}

impl MethodArgs {
    /// True if the command line says nothing about the optimizer.
    pub fn is_open(&self) -> bool {
        let own = [self.lr, self.weight_decay, self.global_clipnorm, self.ema];
        self.optimizer.is_none() && self.numbers.is_empty() && own.iter().all(Option::is_none)
    }

    /// The optimizer, with defaults for missing options; refuses options that the method does not have.
    pub fn optimizer(&self) -> Result<Optimizer> {
        let name = self.optimizer.as_deref().unwrap_or(Optimizer::default().name());
        let method = self.numbers.method(name)?;
        if self.lr == Some(0.0) {
            bail!(
                "--lr is 0, expected a number above 0: nothing would be learned; `wgrad lr-find` suggests one"
            );
        }
        let optimizer = Optimizer::new(method);
        Ok(Optimizer {
            learning_rate: self.lr.unwrap_or(optimizer.learning_rate),
            weight_decay: self.weight_decay.unwrap_or(optimizer.weight_decay),
            global_clipnorm: self.global_clipnorm,
            ema_momentum: self.ema,
            ..optimizer
        })
    }
}

impl ScheduleArgs {
    /// The schedule of a training with `optimizer`.
    pub fn schedule(&self, optimizer: &Optimizer, stop: &StopArgs) -> Schedule {
        let lr = optimizer.learning_rate;
        let every = |default| self.step_every.unwrap_or(default);
        let or = |default| self.decay.unwrap_or(default);
        let decay = match self.schedule {
            Shape::Constant => Decay::Constant,
            Shape::Step => Decay::Step { every: every(2), factor: or(0.1) },
            Shape::Exponential => Decay::Exponential { every: every(1), factor: or(0.9) },
            Shape::Cosine => Decay::Cosine { last: or(0.0) },
            Shape::Restarts => Decay::Restarts {
                first: every(1),
                longer: self.restart_longer,
                lower: self.restart_lower,
                last: or(0.0),
            },
            Shape::OneCycle => Decay::OneCycle {
                rise: self.rise,
                div: self.div_factor,
                final_div: self.final_div_factor,
                momentum: match &self.cycle_momentum {
                    Some(momenta) => **momenta,
                    None => optimizer.momentum().map(|_| [0.85, 0.95]),
                },
            },
            Shape::Plateau => Decay::Plateau {
                factor: or(0.1),
                patience: self.plateau_patience,
                min_delta: stop.min_delta.unwrap_or(1e-4),
                cooldown: self.cooldown,
                min: if lr > 0.0 { self.min_lr / lr } else { 0.0 },
            },
        };
        Schedule { decay, warmup_steps: self.warmup_steps }
    }
}

impl StopArgs {
    /// Refuses a metric that `data` and `loss` do not have.
    pub fn refuse(&self, data: &Dataset, loss: Loss) -> Result<()> {
        let val = matches!(self.monitor, Watched::ValLoss | Watched::ValAccuracy);
        if val && data.validation.is_none() {
            bail!(
                "--monitor watches validation {0}, and there are none; `--validation 0.1` holds some out, `--monitor loss` \
                 watches the test {0}",
                data.things()
            );
        }
        let accuracy = matches!(self.monitor, Watched::Accuracy | Watched::ValAccuracy);
        if loss.is_regression() && (accuracy || self.target_accuracy.is_some()) {
            let (option, next) = match accuracy {
                true => ("--monitor", "`--monitor loss`"),
                false => (
                    "--target-accuracy",
                    "`--patience 5`, which stops when the loss no longer falls, or `--max-time 10m`",
                ),
            };
            bail!("{option}: the loss {loss} is for numbers, which have no accuracy; expected {next}");
        }
        Ok(())
    }

    /// Callbacks of the training.
    pub fn callbacks(&self) -> Callbacks {
        let early = |patience| EarlyStopping { patience, min_delta: self.min_delta.unwrap_or(0.0) };
        Callbacks {
            monitor: match self.monitor {
                Watched::Loss | Watched::ValLoss => Monitor::Loss,
                Watched::Accuracy | Watched::ValAccuracy => Monitor::Accuracy,
            },
            best: Best::Monitored,
            early_stopping: self.patience.map(early),
            target_accuracy: self.target_accuracy,
        }
    }
}
