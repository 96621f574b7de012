//! Adagrad.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{
    kernels::ADAGRAD,
    op::Call,
    range::{not_negative, positive},
};

pub(super) const ABOUT: About = About {
    name: "adagrad",
    line: "Root of the sum of squares",
    source: "Duchi, Hazan and Singer 2011",
    learning_rate: 0.001,
    weight_decay: 0.0,
};

numbers! {
    /// Options of Adagrad (Duchi, Hazan and Singer 2011).
    pub struct Adagrad {
        /// Initial value of the sums of squares.
        initial_accumulator_value: f64 = 0.1, not_negative;
        /// Added to the sum under the root.
        epsilon: f64 = 1e-7, positive;
    }
}

impl Rules for Adagrad {
    fn slots(&self) -> Vec<Slot> {
        vec![Slot { name: "accumulator", initial: self.initial_accumulator_value as f32 }]
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        update.call(&ADAGRAD).with("EPSILON", self.epsilon)
    }
}
