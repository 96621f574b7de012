//! RMSprop.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{
    kernels::RMSPROP,
    op::Call,
    range::{forgets, positive, share},
};

pub(super) const ABOUT: About = About {
    name: "rmsprop",
    line: "Root of the mean square; with `.centered`, of the variance",
    source: "Hinton 2012",
    learning_rate: 0.001,
    weight_decay: 0.0,
};

numbers! {
    /// Options of RMSprop (Hinton 2012).
    pub struct RmsProp {
        /// Decay rate of the mean of the squared gradients, in [0, 1).
        rho: f64 = 0.9, forgets;
        /// Momentum: share of the last change that is kept, in [0, 1).
        momentum: f64 = 0.0, share;
        /// Added to the mean square, or the variance, under the root.
        epsilon: f64 = 1e-7, positive;
        /// Subtracts the square of the mean gradient from the mean square (Graves 2013).
        centered: bool = false;
    }
}

impl Rules for RmsProp {
    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![Slot::zeros("mean_square")];
        slots.extend(self.centered.then_some(Slot::zeros("mean")));
        slots.extend(self.momentum().map(|_| Slot::zeros("momentum")));
        slots
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.momentum).filter(|momentum| *momentum > 0.0)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        let mut call = update
            .call(&RMSPROP)
            .with("GAIN", 1.0 - self.rho)
            .with("MOMENTUM", self.momentum)
            .with("EPSILON", self.epsilon);
        for (name, on, size, slot) in [
            ("CENTERED", self.centered, "MEANS", "mean"),
            ("HEAVY", self.momentum().is_some(), "MOMENTA", "momentum"),
        ] {
            let len = if on { update.count } else { 1 };
            call = call.with(name, f64::from(u8::from(on))).with(size, len as f64);
            // The kernel still needs a buffer for state that it does not use.
            if !on {
                update.kept.push((slot, update.b.temporary("unused", vec![len])));
            }
        }
        call
    }
}
