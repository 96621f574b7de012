//! The CPU twins: every operation once more, as plain loops in f64 that read like its formula. They
//! define what a kernel has to compute, and how far rounding in f32 may take it from that.

mod conv2d;
mod elementwise;
mod loss;
mod machine;
mod matmul;
mod pool;

pub use conv2d::{conv2d_forward, conv2d_grad_input, conv2d_grad_weight, sum_partials};
pub use elementwise::{
    activation_forward, activation_grad, decode, dropout_forward, dropout_grad, random, sgd,
};
pub use loss::{softmax_cross_entropy, softmax_forward, softmax_grad, sum_metrics};
pub use machine::{Machine, Outputs, expect};
pub use matmul::{matmul, matmul_grad_input, matmul_grad_weight};
pub use pool::{max_pool2d_forward, max_pool2d_grad};

use crate::{
    feed::{Batch, Step},
    op::{Activation, Sizes},
};
use std::collections::BTreeMap;

/// Half the distance between 1 and the next f32: the rounding error of one operation, relative.
pub const EPSILON: f64 = f32::EPSILON as f64 / 2.0;

/// The host's copy of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Elements of an `f32` buffer.
    Real(Vec<f64>),
    /// Elements of a `u32` buffer.
    Index(Vec<u32>),
}

/// What an operation should have written to one of its buffers.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Each value, and how far from it a right f32 kernel may be.
    Real(Vec<Sum>),
    /// Each integer, exactly.
    Index(Vec<u32>),
}

/// What a twin is given: the sizes, the buffers by name, the feed.
pub struct Inputs<'a> {
    /// Overrides by name.
    pub sizes: &'a Sizes,
    /// Buffers by name; those that are updated in place hold their earlier content.
    pub buffers: BTreeMap<&'a str, &'a Data>,
    /// The composed activation.
    pub activation: &'static Activation,
    /// This step's numbers.
    pub step: Step,
    /// Images and labels of the chunk.
    pub batch: &'a Batch,
}

impl Inputs<'_> {
    /// A size by name. Sizes come from the operation's own interface, so a missing one is a mistake
    /// in the twin; it reads as zero and the comparison fails.
    pub fn size(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    /// Several sizes at once.
    pub fn sizes<const N: usize>(&self, names: [&str; N]) -> [usize; N] {
        names.map(|name| self.size(name))
    }

    /// An override that need not be an integer.
    pub fn number(&self, name: &str) -> f64 {
        self.sizes.get(name).copied().unwrap_or(0.0)
    }

    /// An `f32` buffer by name; empty where it is not bound.
    pub fn real(&self, name: &str) -> &[f64] {
        match self.buffers.get(name) {
            Some(Data::Real(values)) => values,
            _ => &[],
        }
    }

    /// A `u32` buffer by name; empty where it is not bound.
    pub fn indices(&self, name: &str) -> &[u32] {
        match self.buffers.get(name) {
            Some(Data::Index(values)) => values,
            _ => &[],
        }
    }
}

/// A sum in f64 that knows how far the same sum in f32 may be off: ε · √terms · Σ|terms|, the expected
/// growth of rounding errors (Higham, "Accuracy and Stability of Numerical Algorithms", §2.8),
/// not a share of the result, since a right sum that cancels has a large relative error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The value.
    pub value: f64,
    magnitude: f64,
    terms: f64,
    extra: f64,
}

impl Sum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that f32 holds up to a few roundings of itself.
    pub fn of(value: f64) -> Self {
        Self { value, magnitude: value.abs(), terms: 1.0, extra: 0.0 }
    }

    /// A value that is exact in f32: copied, selected or counted.
    pub fn exact(value: f64) -> Self {
        Self { value, ..Self::default() }
    }

    /// A value with its own bound.
    pub fn within(value: f64, allowed: f64) -> Self {
        Self { value, extra: allowed, ..Self::default() }
    }

    /// Adds a term.
    pub fn add(&mut self, term: f64) {
        self.value += term;
        self.magnitude += term.abs();
        self.terms += 1.0;
    }

    /// How far a right f32 result may be from the value.
    pub fn allowed(&self) -> f64 {
        // Two: one rounding for the product, one for the sum.
        2.0 * EPSILON * self.terms.sqrt() * self.magnitude + self.extra
    }

    /// Lets the result be off by this much more.
    pub fn widen(mut self, by: f64) -> Self {
        self.extra += by;
        self
    }

    /// The sum times a factor that is itself right to a rounding.
    pub fn times(self, factor: f64) -> Self {
        let value = self.value * factor;
        Self {
            value,
            magnitude: self.magnitude * factor.abs(),
            terms: self.terms,
            extra: self.extra * factor.abs() + 2.0 * EPSILON * value.abs(),
        }
    }

    /// The sum times an activation's slope, computed from the output y: 1 - y² and y · (1 - y) are right
    /// to a rounding of one, not of themselves.
    pub fn sloped(self, slope: f64) -> Self {
        let rounding = if slope == 0.0 || slope == 1.0 { 0.0 } else { EPSILON };
        self.times(slope).widen(rounding * self.value.abs())
    }

    /// The sum through an activation whose slope is at most one.
    pub fn through(self, activation: &Activation) -> Self {
        let value = (activation.value)(self.value);
        // GPUs compute exp and tanh to a few units in the last place (Vulkan: 3 + 2|x| ulp).
        let own = if (activation.value)(2.5) == 2.5 { 0.0 } else { 24.0 * EPSILON };
        Self { value, ..self }.widen(own)
    }
}

/// The values of an expectation, without the bounds.
pub fn values(expected: Expected) -> Data {
    match expected {
        Expected::Real(sums) => Data::Real(sums.into_iter().map(|s| s.value).collect()),
        Expected::Index(values) => Data::Index(values),
    }
}
