//! The one comparison of the repository, between what a device computed and what a twin expects.
//! It is written so that NaN fails.
//!
//! Where the true value is beyond what f32 holds, right is the infinity of its sign, and nothing else; where the bound
//! reaches beyond it, that infinity is right too. A value or a bound that is no number, and a bound without an end,
//! excuse nothing.

use crate::op::twin::{Data, Expected};
use std::fmt;

/// The worst element of a buffer that differs.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Mismatch {
    /// The buffer.
    pub buffer: String,
    /// Index of the worst element in the flat buffer.
    pub index: usize,
    /// Its place in the shape of the buffer; empty where the shape is not known.
    pub place: Vec<usize>,
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
        let Self { got, expected, allowed, count, of, .. } = self;
        write!(
            f,
            "{} is {got:e}, expected {expected:e} ± {allowed:.1e}; {count} of {of} elements differ",
            self.element()
        )
    }
}

impl Mismatch {
    /// The worst element in words: `y[1, 5]`.
    pub fn element(&self) -> String {
        format!("{}[{}]", self.buffer, words_of(self.index, &self.place))
    }

    /// The same with the place in a buffer of this shape.
    pub fn within(mut self, shape: &[usize]) -> Self {
        self.place = place_in(self.index, shape);
        self
    }
}

/// The place of element `index` in a buffer of `shape`; empty where it has none there.
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

/// A place as messages write it: `1, 5`, or the flat `index` where the shape is not known.
pub fn words_of(index: usize, place: &[usize]) -> String {
    match place {
        [] => index.to_string(),
        place => place.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The error of `got` and whether it is allowed.
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
        (Data::Index(got), Expected::Place(places)) if got.len() == places.len() => {
            // Of two right places the one that was found, if it is one of them.
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
