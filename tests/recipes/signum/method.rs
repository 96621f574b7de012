//! The sign of the mean gradient.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{kernels::SIGNUM, op::Call, range::forgets};

pub(super) const ABOUT: About = About {
    name: "signum",
    line: "Sign of the mean gradient",
    source: "Bernstein et al. 2018",
    learning_rate: 0.002,
    weight_decay: 0.0,
};

numbers! {
    /// Hyperparameters of signSGD with momentum (Bernstein et al. 2018).
    pub struct Signum {
        /// Decay rate of the mean gradient, in [0, 1).
        forgetting: f64 = 0.9, forgets;
    }
}

impl Rules for Signum {
    fn slots(&self) -> Vec<Slot> {
        vec![Slot::zeros("m")]
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.forgetting)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        update.call(&SIGNUM).with("GAIN", 1.0 - self.forgetting)
    }
}
