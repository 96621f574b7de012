//! What a comparison of two trainings tells: plain rows, for a table, JSON or a page.

use crate::measurement::{Conditions, Spread};
use serde::Serialize;

/// One of the two trainings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// `a` or `b`.
    pub side: &'static str,
    /// What was chosen by hand: `OP=VARIANT`, comma-separated; `default` where nothing was.
    pub variants: String,
    /// The kernels of its training step, as `operation/variant`.
    pub kernels: Vec<String>,
    /// Where a chosen variant could not run, and what ran instead.
    pub notes: Vec<String>,
    /// Images a second, over the timed turns.
    pub images_per_second: Spread,
    /// On the test images at the end; `None` if it diverged.
    pub test_loss: Option<f64>,
    /// Share of the test images that are right; `None` if it diverged.
    pub test_accuracy: Option<f64>,
    /// The step, from 1, at which its loss was no number any more.
    pub diverged_at: Option<u64>,
}

/// One turn of each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Round {
    /// From 1; the turn before the first is a warm-up and not told.
    pub round: usize,
    /// Images a second of A and of B.
    pub images_per_second: [f64; 2],
    /// B's speed as a multiple of A's.
    pub ratio: f64,
}

/// The losses of one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepPair {
    /// From 1, over all epochs.
    pub step: u64,
    /// A's mean loss of the batch, nats.
    pub loss_a: f64,
    /// B's.
    pub loss_b: f64,
    /// B's less A's.
    pub difference: f64,
    /// How large it may be.
    pub allowed: f64,
}

/// The parameter that lies furthest apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightDifference {
    /// The tensor.
    pub tensor: String,
    /// Which element of it.
    pub index: usize,
    /// A's value.
    pub a: f64,
    /// B's value.
    pub b: f64,
    /// Their difference, absolute.
    pub absolute: f64,
    /// Norm of the difference of this tensor, as a share of the norm of A's.
    pub relative_tensor: f64,
    /// The same of all weights.
    pub relative_all: f64,
}

/// How far the losses of a step may lie apart.
///
/// Unless it is given, it is derived by a third training: A's variants, from initial weights whose last bit is
/// flipped. That is the smallest difference there is, and how far its losses drift from A's tells how much this
/// network, data and learning rate amplify rounding. A kernel that adds K terms in another order changes each result
/// by up to some √K roundings. So a step is allowed √K · (the largest drift of the third training up to that step +
/// 4 ε · max(1, loss)), where K is the longest sum of the network, and the last term what the loss itself is
/// rounded by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// It was given.
    pub given: bool,
    /// The longest sum of the network; 0 where it was given.
    pub longest_sum: usize,
    /// The largest drift of the third training, nats; 0 where it was given.
    pub drift: f64,
    /// What the last step is allowed, nats.
    pub last: f64,
}

/// Two trainings, compared.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Where and what.
    pub conditions: Conditions,
    /// Decides initial weights, order of images and dropout.
    pub seed: u64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Steps that both took.
    pub steps: u64,
    /// Whether no step's losses lie further apart than allowed.
    pub passed: bool,
    /// A and B.
    pub sides: [Side; 2],
    /// B's speed as a multiple of A's, over the rounds.
    pub ratio: Spread,
    /// The step whose losses lie furthest apart, as a share of what is allowed.
    pub worst: Option<StepPair>,
    /// The weights after the last step; `None` where a side diverged.
    pub weights: Option<WeightDifference>,
    /// How far losses may lie apart.
    pub tolerance: Tolerance,
    /// The turns.
    pub rounds: Vec<Round>,
    /// Both losses, step by step.
    pub curve: Vec<StepPair>,
}
