//! Optimizers under Keras's names, with its arguments, defaults and formulas; SGD is PyTorch's.
//! The methods themselves are `shaders/sgd`, `adam`, `rmsprop`, `adagrad`, `lion` and `muon`; here are their numbers, what
//! they keep between steps, and what the host computes for each step.

mod muon;
mod numbers;
mod squares;
mod update;

use crate::feed::Step;
pub use muon::Muon;
use serde::{Deserialize, Serialize};
pub(crate) use update::update;

/// Which method, with the numbers that are its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Method {
    /// Stochastic gradient descent, with PyTorch's definition (torch.optim.SGD): the learning rate multiplies
    /// the velocity. Keras puts it into the velocity, which is the same while the rate stays the same.
    Sgd {
        /// Share of the last step's direction that is kept, in [0, 1).
        momentum: f64,
        /// Nesterov's look-ahead.
        nesterov: bool,
    },
    /// Kingma and Ba 2015.
    Adam(Adam),
    /// Adam with a weight decay by default: Loshchilov and Hutter 2019.
    AdamW(Adam),
    /// Hinton 2012.
    RmsProp {
        /// How slowly the mean of the squares forgets, in [0, 1).
        rho: f64,
        /// Share of the last change that is kept, in [0, 1).
        momentum: f64,
        /// Added to the variance under the root.
        epsilon: f64,
        /// Whether the square of the mean gradient is taken off the mean square (Graves 2013).
        centered: bool,
    },
    /// Duchi, Hazan and Singer 2011.
    Adagrad {
        /// What the sums of squares start from.
        initial_accumulator_value: f64,
        /// Added to the sum under the root.
        epsilon: f64,
    },
    /// Chen et al. 2023.
    Lion {
        /// How slowly the direction forgets, in [0, 1).
        beta_1: f64,
        /// How slowly the mean gradient forgets, in [0, 1).
        beta_2: f64,
    },
    /// Jordan 2024.
    Muon(Muon),
}

/// The numbers of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// How slowly the mean gradient forgets, in [0, 1).
    pub beta_1: f64,
    /// How slowly the mean of the squares forgets, in [0, 1).
    pub beta_2: f64,
    /// Added to the root. Keras adds it before the means are corrected for their start, PyTorch after.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

/// A method, and what is common to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Recorded")]
pub struct Optimizer {
    /// Which method.
    #[serde(flatten)]
    pub method: Method,
    /// Step length.
    pub learning_rate: f64,
    /// For SGD added to each gradient, times its parameter (L2, as in PyTorch); for all others each parameter shrinks
    /// by learning rate times decay (decoupled, as in Keras).
    pub weight_decay: f64,
    /// Gradients are scaled so that the norm of all of them together is at most this.
    pub global_clipnorm: Option<f64>,
    /// How slowly the moving average of the weights forgets, in [0, 1): evaluation and `best` use the average then.
    pub ema_momentum: Option<f64>,
}

/// Optimizers as runs recorded them: the first ones knew SGD alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Any {
        #[serde(flatten)]
        method: Method,
        learning_rate: f64,
        weight_decay: f64,
        global_clipnorm: Option<f64>,
        ema_momentum: Option<f64>,
    },
    Sgd {
        learning_rate: f64,
        momentum: f64,
        nesterov: bool,
        weight_decay: f64,
    },
}

impl From<Recorded> for Optimizer {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Any { method, learning_rate, weight_decay, global_clipnorm, ema_momentum } => {
                Self { method, learning_rate, weight_decay, global_clipnorm, ema_momentum }
            }
            Recorded::Sgd { learning_rate, momentum, nesterov, weight_decay } => {
                let method = Method::Sgd { momentum, nesterov };
                Self { learning_rate, weight_decay, ..Self::new(method) }
            }
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::new(Method::Sgd { momentum: 0.9, nesterov: false })
    }
}

/// An arena that a method keeps between steps, beside the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Its name in the interface, and behind `optimizer.` in checkpoints.
    pub name: &'static str,
    /// What it starts from.
    pub initial: f32,
}

impl Optimizer {
    /// `method` with the learning rate and weight decay that Keras gives it by default; SGD has 0.05.
    pub fn new(method: Method) -> Self {
        let learning_rate = if matches!(method, Method::Sgd { .. }) { 0.05 } else { 0.001 };
        let weight_decay = if matches!(method, Method::AdamW(_) | Method::Muon(_)) { 0.004 } else { 0.0 };
        Self { method, learning_rate, weight_decay, global_clipnorm: None, ema_momentum: None }
    }

    /// What the command line calls the method.
    pub fn name(&self) -> &'static str {
        match self.method {
            Method::Sgd { .. } => "sgd",
            Method::Adam(_) => "adam",
            Method::AdamW(_) => "adamw",
            Method::RmsProp { .. } => "rmsprop",
            Method::Adagrad { .. } => "adagrad",
            Method::Lion { .. } => "lion",
            Method::Muon(_) => "muon",
        }
    }

    /// The arenas that it keeps, in the order of their buffers.
    pub fn slots(&self) -> Vec<Slot> {
        let zeros = |name| Slot { name, initial: 0.0 };
        match self.method {
            Method::Sgd { .. } => vec![zeros("velocity")],
            Method::Adam(_) | Method::AdamW(_) | Method::Muon(_) => vec![zeros("m"), zeros("v")],
            Method::RmsProp { momentum, centered, .. } => {
                let mut slots = vec![zeros("mean_square")];
                slots.extend(centered.then_some(zeros("mean")));
                slots.extend((momentum > 0.0).then_some(zeros("momentum")));
                slots
            }
            Method::Adagrad { initial_accumulator_value, .. } => {
                vec![Slot { name: "accumulator", initial: initial_accumulator_value as f32 }]
            }
            Method::Lion { .. } => vec![zeros("m")],
        }
    }

    /// What a schedule may move besides the rate: SGD's and RMSprop's momentum, that of Muon's matrices, beta_1 of Adam and Lion.
    pub fn momentum(&self) -> Option<f64> {
        match self.method {
            Method::Sgd { momentum, .. } | Method::RmsProp { momentum, .. } if momentum > 0.0 => {
                Some(momentum)
            }
            Method::Adam(Adam { beta_1, .. }) | Method::AdamW(Adam { beta_1, .. }) => Some(beta_1),
            Method::Lion { beta_1, .. } => Some(beta_1),
            Method::Muon(Muon { momentum, .. }) if momentum > 0.0 => Some(momentum),
            _ => None,
        }
    }

    /// Fills in the numbers of global step `number`, from 0: the rate `factor` times its base, and `momentum` in place
    /// of the method's own if a schedule moves it.
    pub fn fill(&self, step: Step, number: u64, factor: f64, momentum: Option<f64>) -> Step {
        let own = self.momentum().unwrap_or(0.0);
        let shift = momentum.map_or(0.0, |momentum| momentum - own);
        let correction = |beta_1: f64, beta_2: f64| {
            let steps = number as f64 + 1.0;
            (1.0 - beta_2.powf(steps)).sqrt() / (1.0 - beta_1.powf(steps))
        };
        let correction = match self.method {
            Method::Adam(adam) | Method::AdamW(adam) => correction(own + shift, adam.beta_2),
            Method::Muon(muon) => correction(muon.adam.beta_1, muon.adam.beta_2),
            _ => 1.0,
        };
        Step {
            learning_rate: (self.learning_rate * factor) as f32,
            correction: correction as f32,
            momentum_shift: shift as f32,
            // The first weights are the average of themselves.
            average: self.ema_momentum.map_or(0.0, |m| if number == 0 { 1.0 } else { 1.0 - m }) as f32,
            ..step
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optimizer_comes_back_from_its_record_and_so_do_the_first_ones() {
        let methods = [
            Method::Sgd { momentum: 0.9, nesterov: true },
            Method::Adam(Adam::default()),
            Method::AdamW(Adam { beta_1: 0.8, ..Adam::default() }),
            Method::RmsProp { rho: 0.9, momentum: 0.1, epsilon: 1e-7, centered: true },
            Method::Adagrad { initial_accumulator_value: 0.1, epsilon: 1e-7 },
            Method::Lion { beta_1: 0.9, beta_2: 0.99 },
            Method::Muon(Muon { ns_steps: 4, ..Muon::default() }),
        ];
        for method in methods {
            let optimizer = Optimizer { ema_momentum: Some(0.99), ..Optimizer::new(method) };
            optimizer.validate().expect("makes sense");
            let text = serde_json::to_string(&optimizer).expect("writes");
            assert_eq!(serde_json::from_str::<Optimizer>(&text).expect("reads"), optimizer, "{text}");
        }
        let first = r#"{"learning_rate":0.1,"momentum":0.5,"nesterov":true,"weight_decay":0.01}"#;
        let expected = Optimizer {
            learning_rate: 0.1,
            weight_decay: 0.01,
            ..Optimizer::new(Method::Sgd { momentum: 0.5, nesterov: true })
        };
        assert_eq!(serde_json::from_str::<Optimizer>(first).expect("reads"), expected);
        assert!(serde_json::from_str::<Optimizer>(r#"{"method":"adam","learning_rate":0.1}"#).is_err());
    }

    #[test]
    fn a_momentum_that_a_schedule_moves_is_a_shift_of_its_own() {
        let optimizer = Optimizer::new(Method::Adam(Adam::default()));
        let step = optimizer.fill(Step::default(), 0, 0.5, Some(0.85));
        assert!((step.learning_rate - 0.0005).abs() < 1e-9);
        assert!((step.momentum_shift + 0.05).abs() < 1e-7);
        // √(1 - 0.999) / (1 - 0.85)
        assert!((step.correction - 0.210_818_5).abs() < 1e-6, "{}", step.correction);
        assert_eq!(optimizer.fill(Step::default(), 0, 1.0, None).momentum_shift, 0.0);
    }
}
