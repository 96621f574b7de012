//! Adam, and AdamW, which differs in its weight decay.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{
    kernels::ADAM,
    op::{Call, Op},
    range::{forgets, positive},
};

pub(super) const ABOUT: About = About {
    name: "adam",
    line: "Adaptive moments",
    source: "Kingma and Ba 2015",
    learning_rate: 0.001,
    weight_decay: 0.0,
};

/// Adam with the weight decay of AdamW.
pub(super) const ABOUT_W: About = About {
    name: "adamw",
    line: "Adam with decoupled weight decay",
    source: "Loshchilov and Hutter 2019",
    learning_rate: 0.001,
    weight_decay: 0.004,
};

numbers! {
    /// Options of Adam.
    pub struct Adam {
        /// Decay rate of the first-moment estimate (β₁), in [0, 1).
        beta_1: f64 = 0.9, forgets;
        /// Decay rate of the second-moment estimate (β₂), in [0, 1).
        beta_2: f64 = 0.999, forgets;
        /// Added to the root. Keras adds it before bias correction, PyTorch after.
        epsilon: f64 = 1e-7, positive;
    }
}

impl Adam {
    /// Bias-correction factor of the moment estimates after `steps` steps, since both start at zero.
    pub(super) fn corrected(&self, steps: f64, beta_1: f64) -> f64 {
        (1.0 - self.beta_2.powf(steps)).sqrt() / (1.0 - beta_1.powf(steps))
    }

    /// The call of `op`, an operation with the options of Adam.
    pub(super) fn call(&self, update: &Update<'_>, op: &'static Op) -> Call {
        let call = update.call(op).with("GAIN_1", 1.0 - self.beta_1).with("GAIN_2", 1.0 - self.beta_2);
        call.with("EPSILON", self.epsilon)
    }
}

impl Rules for Adam {
    fn slots(&self) -> Vec<Slot> {
        vec![Slot::zeros("m"), Slot::zeros("v")]
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.beta_1)
    }

    fn correction(&self, steps: f64, momentum: f64) -> f64 {
        self.corrected(steps, momentum)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        self.call(update, &ADAM)
    }
}
