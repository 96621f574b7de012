//! Lion.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{kernels::LION, op::Call, range::forgets};

pub(super) const ABOUT: About = About {
    name: "lion",
    line: "Sign of the moving direction",
    source: "Chen et al. 2023",
    learning_rate: 0.001,
    weight_decay: 0.0,
};

numbers! {
    /// Options of Lion (Chen et al. 2023).
    pub struct Lion {
        /// Weight of the mean gradient in the direction of the update (β₁), in [0, 1).
        beta_1: f64 = 0.9, forgets;
        /// Decay rate of the mean gradient (β₂), in [0, 1).
        beta_2: f64 = 0.99, forgets;
    }
}

impl Rules for Lion {
    fn slots(&self) -> Vec<Slot> {
        vec![Slot::zeros("m")]
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.beta_1)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        update.call(&LION).with("GAIN_1", 1.0 - self.beta_1).with("GAIN_2", 1.0 - self.beta_2)
    }
}
