//! Results of a comparison of two trainings: plain rows, for a table, JSON or a page.

use crate::measurement::{Conditions, Spread};
use serde::Serialize;

/// One of the two trainings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// `a` or `b`.
    pub side: &'static str,
    /// Variants chosen by hand: `OP=VARIANT`, comma-separated; `default` if none.
    pub variants: String,
    /// The kernels of its training step, as `operation/variant`.
    pub kernels: Vec<String>,
    /// Chosen variants that could not run, and what ran instead.
    pub notes: Vec<String>,
    /// Images per second, over the timed turns.
    pub images_per_second: Spread,
    /// Loss on the test images at the end; `None` if it diverged.
    pub test_loss: Option<f64>,
    /// Accuracy on the test images at the end; `None` for a regression or if it diverged.
    pub test_accuracy: Option<f64>,
    /// Step, from 1, at which its loss stopped being finite.
    pub diverged_at: Option<u64>,
}

/// One turn of each training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Round {
    /// Number, from 1; the warm-up turn before the first is not reported.
    pub round: usize,
    /// Images per second of A and of B.
    pub images_per_second: [f64; 2],
    /// B's speed as a multiple of A's.
    pub ratio: f64,
}

/// The losses of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepPair {
    /// Number of the step, from 1, over all epochs.
    pub step: u64,
    /// A's mean loss over the batch, nats.
    pub loss_a: f64,
    /// B's mean loss over the batch, nats.
    pub loss_b: f64,
    /// B's loss minus A's.
    pub difference: f64,
    /// Largest allowed absolute difference.
    pub allowed: f64,
}

/// The weight that differs most between the two trainings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightDifference {
    /// Name of its tensor.
    pub tensor: String,
    /// Index of the element in the tensor.
    pub index: usize,
    /// A's value.
    pub a: f64,
    /// B's value.
    pub b: f64,
    /// Absolute difference of the two.
    pub absolute: f64,
    /// Norm of the difference of this tensor, relative to the norm of A's tensor.
    pub relative_tensor: f64,
    /// Norm of the difference of all weights, relative to the norm of A's weights.
    pub relative_all: f64,
}

/// Largest allowed difference between the losses of a step.
///
/// Unless it is given, a third training derives it: A's variants, from initial weights whose last bit is flipped. That
/// is the smallest possible difference; the drift of its losses from A's shows how much this network, data and learning
/// rate amplify rounding. A kernel that adds K terms in another order changes each result by up to some √K roundings.
/// So a step is allowed √K · (the largest drift of the third training up to that step + 4 ε · max(1, loss)). K is the
/// longest sum of the network; the last term is the rounding of the loss itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// True if it was given.
    pub given: bool,
    /// Longest sum of the network, in terms; 0 if the tolerance was given.
    pub longest_sum: usize,
    /// Largest drift of the third training, nats; 0 if the tolerance was given.
    pub drift: f64,
    /// Allowed difference at the last step, nats.
    pub last: f64,
}

/// The comparison of two trainings.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Adapter, network and data.
    pub conditions: Conditions,
    /// Seed of the initial weights, the order of images and dropout.
    pub seed: u64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Steps that both trainings took.
    pub steps: u64,
    /// True if neither training diverged and the losses of every step are within the tolerance.
    pub passed: bool,
    /// A and B.
    pub sides: [Side; 2],
    /// B's speed as a multiple of A's, over the rounds.
    pub ratio: Spread,
    /// The step whose losses differ most relative to the allowed difference.
    pub worst: Option<StepPair>,
    /// Difference of the weights after the last step; `None` if a side diverged.
    pub weights: Option<WeightDifference>,
    /// Tolerance of the losses.
    pub tolerance: Tolerance,
    /// The timed turns.
    pub rounds: Vec<Round>,
    /// Both losses, step by step.
    pub curve: Vec<StepPair>,
}
