//! Settings as the options of `wgrad train` that give them, without what is the default there.

use wgrad::{
    optim::{Adam, Method, Muon, Optimizer},
    schedule::{Decay, Schedule},
    train::Options,
};

/// An option's name, and its value unless it is a switch.
pub type Flag = (&'static str, Option<String>);

/// The numbers that go with `--optimizer`: with another one they mean something else.
pub const METHOD_FLAGS: &[&str] = &[
    "--lr",
    "--momentum",
    "--nesterov",
    "--no-nesterov",
    "--ns-steps",
    "--rms-rate",
    "--beta-1",
    "--beta-2",
    "--rho",
    "--centered",
    "--initial-accumulator-value",
    "--epsilon",
    "--weight-decay",
];
/// The numbers that go with `--schedule`.
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

/// The options, in the order in which a person writes them; class weights and variants are left out.
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

    fn switch(&mut self, name: &'static str, on: bool) {
        if on {
            self.0.push((name, None));
        }
    }

    fn optimizer(&mut self, optimizer: &Optimizer) {
        let default = Optimizer::new(optimizer.method);
        self.add("--optimizer", optimizer.name());
        self.add("--lr", optimizer.learning_rate);
        match optimizer.method {
            Method::Sgd { momentum, nesterov } => {
                self.unless("--momentum", momentum, 0.9);
                self.switch("--nesterov", nesterov);
            }
            Method::Adam(adam) | Method::AdamW(adam) => self.adam(&adam),
            Method::RmsProp { rho, momentum, epsilon, centered } => {
                self.unless("--rho", rho, 0.9);
                self.unless("--momentum", momentum, 0.0);
                self.unless("--epsilon", epsilon, 1e-7);
                self.switch("--centered", centered);
            }
            Method::Adagrad { initial_accumulator_value, epsilon } => {
                self.unless("--initial-accumulator-value", initial_accumulator_value, 0.1);
                self.unless("--epsilon", epsilon, 1e-7);
            }
            Method::Lion { beta_1, beta_2 } => {
                self.unless("--beta-1", beta_1, 0.9);
                self.unless("--beta-2", beta_2, 0.99);
            }
            Method::Muon(muon) => {
                let default = Muon::default();
                self.unless("--momentum", muon.momentum, default.momentum);
                self.switch("--no-nesterov", !muon.nesterov);
                self.unless("--ns-steps", muon.ns_steps.into(), default.ns_steps.into());
                self.unless("--rms-rate", muon.rms_rate, default.rms_rate);
                self.adam(&muon.adam);
            }
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

    fn adam(&mut self, adam: &Adam) {
        let default = Adam::default();
        self.unless("--beta-1", adam.beta_1, default.beta_1);
        self.unless("--beta-2", adam.beta_2, default.beta_2);
        self.unless("--epsilon", adam.epsilon, default.epsilon);
    }

    fn schedule(&mut self, schedule: &Schedule, optimizer: &Optimizer) {
        let name = match schedule.decay {
            // The rise of `lr-find` is none of a training's.
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
