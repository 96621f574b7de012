//! What every method answers.

use super::numbers::Numbers;
use crate::{
    Result,
    op::{Call, Op},
    program::{Builder, ValueId},
};

/// A method in words, and what is usual with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    /// Its name in records and for whoever chooses one.
    pub name: &'static str,
    /// What it does, in a line.
    pub line: &'static str,
    /// Who described it.
    pub source: &'static str,
    /// The learning rate where nobody says one.
    pub learning_rate: f64,
    /// The weight decay likewise.
    pub weight_decay: f64,
}

/// An arena that a method keeps between steps, beside the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Its name in the interface, and behind `optimizer.` in checkpoints.
    pub name: &'static str,
    /// What it starts from.
    pub initial: f32,
}

impl Slot {
    /// One that starts from zeros.
    pub(super) const fn zeros(name: &'static str) -> Self {
        Self { name, initial: 0.0 }
    }
}

/// What a method answers beside its numbers.
pub(super) trait Rules: Numbers {
    /// Whether the numbers, each of which is in its range, go together.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the number and what it needs.
    fn fit(&self) -> Result<()> {
        Ok(())
    }

    /// The arenas that it keeps, in the order of their buffers.
    fn slots(&self) -> Vec<Slot>;

    /// What a schedule may move besides the rate. The device gets how far it is moved, as `momentum_shift` of a step.
    fn momentum(&self) -> Option<f64> {
        None
    }

    /// What the host computes for the step after `steps` - 1 others, as `correction` of it, if `momentum` is where a
    /// schedule moved that.
    fn correction(&self, _steps: f64, _momentum: f64) -> f64 {
        1.0
    }

    /// The call that updates the parameters, with the numbers; whatever comes before it is appended to the program.
    fn update(&self, update: &mut Update<'_>) -> Call;
}

/// The end of a training step, as a method gets it.
pub(super) struct Update<'b> {
    /// The program so far.
    pub b: &'b mut Builder,
    /// Trained parameters.
    pub count: usize,
    /// Whether gradients are clipped.
    pub clipped: bool,
    pub weight_decay: f64,
    /// All gradients, and what clipping multiplies them by.
    pub grad: ValueId,
    pub scale: ValueId,
    /// The parameters and the arenas of [`Rules::slots`], by their names in the interface.
    pub kept: Vec<(&'static str, ValueId)>,
    /// What a method binds besides these, `grad` and `scale`.
    pub others: Vec<(&'static str, ValueId)>,
}

impl Update<'_> {
    /// A call of `op` with what is common to all methods: COUNT, CLIPPED and WEIGHT_DECAY.
    pub fn call(&self, op: &'static Op) -> Call {
        let sizes = [("COUNT", self.count), ("CLIPPED", usize::from(self.clipped))];
        Call::new(op, &sizes).with("WEIGHT_DECAY", self.weight_decay)
    }
}
