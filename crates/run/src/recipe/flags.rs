//! Conversion of settings to the equivalent options of `wgrad train`, without those that are defaults.

use super::numbers::NUMBER_OPTIONS;
use wgrad::{
    optim::{Method, Optimizer, Value},
    schedule::{Decay, Schedule},
    train::Options,
};

/// An option's name, and its value unless it is a switch.
pub type Flag = (&'static str, Option<String>);

/// Returns the options that depend on `--optimizer`: with another method they mean something else.
pub fn method_flags() -> Vec<&'static str> {
    let numbers = NUMBER_OPTIONS.iter().map(|option| option.name.as_str());
    ["--lr", "--weight-decay"].into_iter().chain(numbers).collect()
}

/// Options that depend on `--schedule`.
pub const SCHEDULE_FLAGS: &[&str] = &[
    "--step-every",
    "--decay",
    "--restart-longer",
    "--restart-lower",
    "--rise",
    "--div-factor",
    "--final-div-factor",
    "--cycle-momentum",
    "--plateau-patience",
    "--cooldown",
    "--min-lr",
];

/// Returns the options, in the customary order; class weights and variants are left out.
pub fn flags(network: &str, options: &Options) -> Vec<Flag> {
    let Options { epochs, batch, optimizer, schedule, callbacks, objective, .. } = options;
    let mut flags =
        Flags(vec![("--model", Some(network.to_string())), ("--epochs", Some(epochs.to_string()))]);
    flags.unless("--batch", *batch as f64, Options::default().batch as f64);
    flags.optimizer(optimizer);
    flags.schedule(schedule, optimizer);
    if !objective.augment.is_off() {
        flags.add("--augment", objective.augment);
    }
    flags.unless("--label-smoothing", objective.label_smoothing, 0.0);
    if let Some(target) = callbacks.target_accuracy {
        flags.add("--target-accuracy", target);
    }
    flags.0
}

struct Flags(Vec<Flag>);

impl Flags {
    fn add(&mut self, name: &'static str, value: impl ToString) {
        self.0.push((name, Some(value.to_string())));
    }

    fn unless(&mut self, name: &'static str, value: f64, default: f64) {
        if value != default {
            self.add(name, value);
        }
    }

    fn optimizer(&mut self, optimizer: &Optimizer) {
        let default = Optimizer::new(optimizer.method);
        self.add("--optimizer", optimizer.name());
        self.add("--lr", optimizer.learning_rate);
        let usual = Method::named(optimizer.name()).map(|method| method.numbers()).unwrap_or_default();
        for number in optimizer.method.numbers().iter().filter(|number| !usual.contains(number)) {
            let option = NUMBER_OPTIONS.iter().find(|option| option.sets(number));
            let value = match number.value {
                Value::Real(value) => Some(value.to_string()),
                Value::Whole(value) => Some(value.to_string()),
                Value::Switch(_) => None,
            };
            self.0.extend(option.map(|option| (option.name.as_str(), value)));
        }
        self.unless("--weight-decay", optimizer.weight_decay, default.weight_decay);
        for (name, value) in
            [("--global-clipnorm", optimizer.global_clipnorm), ("--ema", optimizer.ema_momentum)]
        {
            if let Some(value) = value {
                self.add(name, value);
            }
        }
    }

    fn schedule(&mut self, schedule: &Schedule, optimizer: &Optimizer) {
        let name = match schedule.decay {
            // The rise of `lr-find` does not occur in a training.
            Decay::Constant | Decay::Rise { .. } => None,
            Decay::Step { .. } => Some("step"),
            Decay::Exponential { .. } => Some("exponential"),
            Decay::Cosine { .. } => Some("cosine"),
            Decay::Restarts { .. } => Some("restarts"),
            Decay::OneCycle { .. } => Some("one-cycle"),
            Decay::Plateau { .. } => Some("plateau"),
        };
        if let Some(name) = name {
            self.add("--schedule", name);
        }
        match schedule.decay {
            Decay::Constant | Decay::Rise { .. } => {}
            Decay::Step { every, factor } => {
                self.unless("--step-every", f64::from(every), 2.0);
                self.unless("--decay", factor, 0.1);
            }
            Decay::Exponential { every, factor } => {
                self.unless("--step-every", f64::from(every), 1.0);
                self.unless("--decay", factor, 0.9);
            }
            Decay::Cosine { last } => self.unless("--decay", last, 0.0),
            Decay::Restarts { first, longer, lower, last } => {
                self.unless("--step-every", f64::from(first), 1.0);
                self.unless("--restart-longer", longer, 2.0);
                self.unless("--restart-lower", lower, 1.0);
                self.unless("--decay", last, 0.0);
            }
            Decay::OneCycle { rise, div, final_div, momentum } => {
                self.unless("--rise", rise, 0.3);
                self.unless("--div-factor", div, 25.0);
                self.unless("--final-div-factor", final_div, 1e4);
                match momentum {
                    _ if momentum == optimizer.momentum().map(|_| [0.85, 0.95]) => {}
                    None => self.add("--cycle-momentum", "none"),
                    Some([least, most]) => self.add("--cycle-momentum", format!("{least},{most}")),
                }
            }
            Decay::Plateau { factor, patience, min_delta, cooldown, min } => {
                self.unless("--decay", factor, 0.1);
                self.unless("--plateau-patience", patience as f64, 10.0);
                self.unless("--min-delta", min_delta, 1e-4);
                self.unless("--cooldown", cooldown as f64, 0.0);
                self.unless("--min-lr", min * optimizer.learning_rate, 0.0);
            }
        }
        self.unless("--warmup-steps", schedule.warmup_steps as f64, 0.0);
    }
}
