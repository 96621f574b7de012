//! What the lab is asked to measure.

use std::collections::BTreeMap;
use wgrad::{
    compare::Mismatch,
    op::{Call, Variant},
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Request {
    /// Operation, sizes, activation.
    pub call: Call,
    /// Which variants.
    pub variants: Vec<Variant>,
    /// What is known of some of them already, by place: those are not run.
    pub refused: BTreeMap<usize, Refusal>,
    /// Seconds of timing for each; 0 proves only.
    pub seconds: f64,
    /// Seconds after which a submission counts as hung.
    pub timeout: f64,
    /// Decides the inputs.
    pub seed: u64,
    /// At how many cases of the page each is proven at most: the smallest and the largest that it takes. `None`:
    /// all.
    pub cases: Option<usize>,
}

/// What is wrong with a variant.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// In words.
    pub reason: String,
    /// The worst element, where it is a number that is wrong.
    pub worst: Option<Mismatch>,
}
