//! The interface of an optimization method.

use super::numbers::Numbers;
use crate::{
    Result,
    op::{Call, Op},
    program::{Builder, ValueId},
};

/// Name, description and usual values of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    /// Name on the command line and in records.
    pub name: &'static str,
    /// Description in one line.
    pub line: &'static str,
    /// The paper or program that describes it.
    pub source: &'static str,
    /// Default learning rate.
    pub learning_rate: f64,
    /// Default weight decay.
    pub weight_decay: f64,
}

/// State that a method keeps for each parameter between steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Name in the interface, and after `optimizer.` in checkpoints.
    pub name: &'static str,
    /// Initial value of all elements.
    pub initial: f32,
}

impl Slot {
    /// State that starts from zeros.
    pub(super) const fn zeros(name: &'static str) -> Self {
        Self { name, initial: 0.0 }
    }
}

/// State, per-step numbers and update of a method, in addition to its options.
pub(super) trait Rules: Numbers {
    /// Checks that the options, each in its range, are consistent with each other.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the number and what it needs.
    fn fit(&self) -> Result<()> {
        Ok(())
    }

    /// The state arrays of the method, in the order of their buffers.
    fn slots(&self) -> Vec<Slot>;

    /// The momentum that a schedule may change together with the rate. The device gets the difference, as
    /// `momentum_shift` of a step.
    fn momentum(&self) -> Option<f64> {
        None
    }

    /// The `correction` of step number `steps`, counted from 1, which the host computes. `momentum` is its value in
    /// that step, which a schedule may have changed.
    fn correction(&self, _steps: f64, _momentum: f64) -> f64 {
        1.0
    }

    /// Returns the call that updates the parameters; appends any dispatches that precede it.
    fn update(&self, update: &mut Update<'_>) -> Call;
}

/// The end of a training step, for which a method appends its update.
pub(super) struct Update<'b> {
    /// The program so far.
    pub b: &'b mut Builder,
    /// Number of trained parameters.
    pub count: usize,
    /// True if gradients are clipped.
    pub clipped: bool,
    pub weight_decay: f64,
    /// All gradients, and the factor with which clipping multiplies them.
    pub grad: ValueId,
    pub scale: ValueId,
    /// The parameters and the state of [`Rules::slots`], by their names in the interface.
    pub kept: Vec<(&'static str, ValueId)>,
    /// Further bindings of a method, apart from `kept`, `grad` and `scale`.
    pub others: Vec<(&'static str, ValueId)>,
}

impl Update<'_> {
    /// A call of `op` with the sizes common to all methods: COUNT, CLIPPED and WEIGHT_DECAY.
    pub fn call(&self, op: &'static Op) -> Call {
        let sizes = [("COUNT", self.count), ("CLIPPED", usize::from(self.clipped))];
        Call::new(op, &sizes).with("WEIGHT_DECAY", self.weight_decay)
    }
}
