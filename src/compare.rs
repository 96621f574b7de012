//! The one comparison of the repository, between what a device computed and what a twin expects.
//! It is written so that NaN fails.

use crate::reference::{Data, Expected};
use std::fmt;

/// The worst element of a buffer that differs.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Mismatch {
    /// The buffer.
    pub buffer: String,
    /// Index of the worst element.
    pub index: usize,
    /// What the device computed.
    pub got: f64,
    /// What the twin computed.
    pub expected: f64,
    /// How far apart they may be.
    pub allowed: f64,
    /// How many elements differ.
    pub count: usize,
    /// How many there are.
    pub of: usize,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { buffer, index, got, expected, allowed, count, of } = self;
        write!(
            f,
            "{buffer}[{index}] is {got:e}, expected {expected:e} ± {allowed:.1e}; {count} of {of} elements differ"
        )
    }
}

/// Whether an error is allowed; NaN never is.
pub fn allows(allowed: f64, error: f64) -> bool {
    error <= allowed
}

/// Compares every element; the largest error relative to what is allowed, if any exceeds it.
///
/// # Errors
/// A [`Mismatch`] for the worst element. Two empty buffers, or different lengths, do not match.
pub fn compare(buffer: &str, got: &Data, expected: &Expected) -> Result<f64, Box<Mismatch>> {
    let pairs: Vec<(f64, f64, f64)> = match (got, expected) {
        (Data::Real(got), Expected::Real(sums)) if got.len() == sums.len() => {
            got.iter().zip(sums).map(|(g, s)| (*g, s.value, s.allowed())).collect()
        }
        (Data::Index(got), Expected::Index(values)) if got.len() == values.len() => {
            got.iter().zip(values).map(|(g, v)| (f64::from(*g), f64::from(*v), 0.0)).collect()
        }
        _ => Vec::new(),
    };
    let mut worst = Mismatch {
        buffer: buffer.to_string(),
        index: 0,
        got: f64::NAN,
        expected: f64::NAN,
        allowed: 0.0,
        count: usize::from(pairs.is_empty()),
        of: pairs.len(),
    };
    let (mut worst_ratio, mut largest) = (-1.0, 0.0f64);
    for (index, &(got, expected, allowed)) in pairs.iter().enumerate() {
        let error = (got - expected).abs();
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN must fail.
        if !allows(allowed, error) {
            let ratio = if error.is_nan() { f64::INFINITY } else { error / allowed.max(f64::MIN_POSITIVE) };
            worst.count += 1;
            if ratio > worst_ratio {
                worst_ratio = ratio;
                (worst.index, worst.got, worst.expected, worst.allowed) = (index, got, expected, allowed);
            }
        } else if allowed > 0.0 {
            largest = largest.max(error / allowed);
        }
    }
    if worst.count == 0 { Ok(largest) } else { Err(Box::new(worst)) }
}
