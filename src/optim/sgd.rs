//! Stochastic gradient descent.

use super::{
    numbers::numbers,
    rules::{About, Rules, Slot, Update},
};
use crate::{
    Result,
    kernels::SGD,
    op::Call,
    range::{check, share},
};

pub(super) const ABOUT: About = About {
    name: "sgd",
    line: "Momentum, Nesterov's momentum",
    source: "torch.optim.SGD",
    learning_rate: 0.05,
    weight_decay: 0.0,
};

numbers! {
    /// Options of stochastic gradient descent, as PyTorch defines it (torch.optim.SGD): the learning rate multiplies
    /// the velocity. Keras includes the rate in the velocity, which is equivalent while the rate is constant.
    pub struct Sgd {
        /// Momentum: share of the last step's direction that is kept, in [0, 1).
        momentum: f64 = 0.9, share;
        /// Nesterov's look-ahead.
        nesterov: bool = false;
    }
}

impl Rules for Sgd {
    fn fit(&self) -> Result<()> {
        let fits = !self.nesterov || self.momentum > 0.0;
        check("nesterov", self.momentum, fits, "a momentum above 0 with it")
    }

    fn slots(&self) -> Vec<Slot> {
        vec![Slot::zeros("velocity")]
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.momentum).filter(|momentum| *momentum > 0.0)
    }

    fn update(&self, update: &mut Update<'_>) -> Call {
        let nesterov = f64::from(u8::from(self.nesterov));
        update.call(&SGD).with("MOMENTUM", self.momentum).with("NESTEROV", nesterov)
    }
}
