//! Comparison of the values that a device computed with those that a twin expects; the only one in the repository.
//! It is written so that NaN fails.
//!
//! If the true value exceeds f32, the only correct result is the infinity of its sign; if only the bound exceeds f32,
//! that infinity is correct too. A NaN value or bound, or an infinite bound, makes the comparison fail.

use crate::op::twin::{Data, Expected};
use std::fmt;

/// The worst of the differing elements of a buffer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Mismatch {
    /// The buffer.
    pub buffer: String,
    /// Index of the worst element in the flat buffer.
    pub index: usize,
    /// Its index in the shape of the buffer; empty if the shape is unknown.
    pub place: Vec<usize>,
    /// The value that the device computed.
    pub got: f64,
    /// The value that the twin computed.
    pub expected: f64,
    /// The allowed difference.
    pub allowed: f64,
    /// Number of differing elements.
    pub count: usize,
    /// Number of elements.
    pub of: usize,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { got, expected, allowed, count, of, .. } = self;
        write!(
            f,
            "{} is {got:e}, expected {expected:e} ± {allowed:.1e}; {count} of {of} elements differ",
            self.element()
        )
    }
}

impl Mismatch {
    /// Formats the worst element: `y[1, 5]`.
    pub fn element(&self) -> String {
        format!("{}[{}]", self.buffer, words_of(self.index, &self.place))
    }

    /// Adds the index in a buffer of this shape.
    pub fn within(mut self, shape: &[usize]) -> Self {
        self.place = place_in(self.index, shape);
        self
    }
}

/// The index of element `index` in a buffer of `shape`; empty if it is out of range.
pub fn place_in(index: usize, shape: &[usize]) -> Vec<usize> {
    if index >= shape.iter().product() {
        return Vec::new();
    }
    let mut rest = index;
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|extent| {
            let at = rest % extent;
            rest /= extent;
            at
        })
        .collect();
    place.reverse();
    place
}

/// Formats an index: `1, 5`, or the flat `index` if the shape is unknown.
pub fn words_of(index: usize, place: &[usize]) -> String {
    match place {
        [] => index.to_string(),
        place => place.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The error of `got`, and true if it is allowed.
fn judge(got: f64, expected: f64, allowed: f64) -> (f64, bool) {
    const MOST: f64 = f32::MAX as f64;
    let error = (got - expected).abs();
    if !allowed.is_finite() || expected.is_nan() {
        return (f64::NAN, false);
    }
    let infinite = got == f64::INFINITY.copysign(expected);
    if expected.abs() - allowed > MOST {
        return (if infinite { 0.0 } else { error }, infinite);
    }
    if infinite && expected.abs() + allowed > MOST {
        return (0.0, true);
    }
    (error, allows(allowed, error))
}

/// Returns true if an error is allowed; NaN never is.
pub fn allows(allowed: f64, error: f64) -> bool {
    error <= allowed
}

/// Compares every element. Returns the largest error as a share of the allowed one.
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
        (Data::Index(got), Expected::Place(places)) if got.len() == places.len() => {
            // Of two correct values use the one that was found, if it is one of them.
            let right = |got: &u32, [kept, flushed]: &[u32; 2]| if got == flushed { *flushed } else { *kept };
            got.iter().zip(places).map(|(g, p)| (f64::from(*g), f64::from(right(g, p)), 0.0)).collect()
        }
        _ => Vec::new(),
    };
    let mut worst = Mismatch {
        buffer: buffer.to_string(),
        index: 0,
        place: Vec::new(),
        got: f64::NAN,
        expected: f64::NAN,
        allowed: 0.0,
        count: usize::from(pairs.is_empty()),
        of: pairs.len(),
    };
    let (mut worst_ratio, mut largest) = (-1.0, 0.0f64);
    for (index, &(got, expected, allowed)) in pairs.iter().enumerate() {
        let (error, right) = judge(got, expected, allowed);
        if !right {
            let ratio = if error.is_nan() { f64::INFINITY } else { error / allowed.max(f64::MIN_POSITIVE) };
            worst.count += 1;
            if ratio > worst_ratio {
                worst_ratio = ratio;
                (worst.index, worst.got, worst.expected, worst.allowed) = (index, got, expected, allowed);
            }
        } else if error > 0.0 {
            largest = largest.max(error / allowed);
        }
    }
    if worst.count == 0 { Ok(largest) } else { Err(Box::new(worst)) }
}
