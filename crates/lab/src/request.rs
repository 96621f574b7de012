//! Request to the lab.

use std::collections::BTreeMap;
use wgrad::{
    compare::Mismatch,
    op::{Call, Variant},
};

/// Seconds after which a kernel of `call` counts as hung by default: 20, and more for much work.
pub fn patience(call: &Call) -> f64 {
    20.0 + call.flops() / 2e8
}

/// Request to prove and time variants of one call.
#[derive(Clone, Debug)]
pub struct Request {
    /// Operation, sizes, activation.
    pub call: Call,
    /// Variants to measure.
    pub variants: Vec<Variant>,
    /// Variants that are already known to be wrong, by index in `variants`: those are not run.
    pub refused: BTreeMap<usize, Refusal>,
    /// Seconds of timing for each variant; 0 only proves.
    pub seconds: f64,
    /// Seconds after which a submission counts as hung.
    pub timeout: f64,
    /// Seed of the inputs.
    pub seed: u64,
    /// Maximum number of cases of the operation at which each variant is proven: the smallest and the largest that it
    /// supports. `None`: all.
    pub cases: Option<usize>,
}

/// Reason why a variant is wrong.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Reason, in words.
    pub reason: String,
    /// Worst element, if a value is wrong.
    pub worst: Option<Mismatch>,
}
