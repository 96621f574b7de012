//! What holds a trained tensor back: a penalty on its size, which is part of the loss, and a constraint, which each
//! update ends with. Names, arguments and defaults are Keras's.

use crate::{
    kernels::{ADD_PENALTY, CONSTRAIN_NORM, CONSTRAIN_SIGN, PENALIZE, PENALTY_PARTIALS},
    op::Call,
    program::{Builder, Home, ParameterId, ValueId},
    range::{is_held, is_positive},
};

/// Penalty of a tensor w: l1 · Σ |w| + l2 · Σ w², added to the loss. Keras's `L1`, `L2` and `L1L2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regularizer {
    /// Factor of the sum of sizes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub l1: f64,
    /// Factor of the sum of squares.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub l2: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(factor: &f64) -> bool {
    *factor == 0.0
}

impl Regularizer {
    /// The penalty `factor` · Σ |w|.
    pub fn l1(factor: f64) -> Self {
        Self { l1: factor, l2: 0.0 }
    }

    /// The penalty `factor` · Σ w².
    pub fn l2(factor: f64) -> Self {
        Self { l1: 0.0, l2: factor }
    }

    /// Checks the factors.
    ///
    /// # Errors
    /// Says which factor is out of range.
    pub(crate) fn validate(&self) -> Result<(), String> {
        for (name, factor) in [("l1", self.l1), ("l2", self.l2)] {
            if !(is_held(factor) && factor >= 0.0) {
                return Err(format!("has {name} = {factor}, expected 0, or a number from 1.2e-38 to 3.4e38"));
            }
        }
        Ok(())
    }
}

/// What an update leaves a tensor as. `axis` lists the axes over which a norm is taken: the first ones, `[0]` for a kernel
/// of shape (in, out), whose columns then are the vectors of weights that lead to each unit.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Constraint {
    /// No element below zero.
    NonNeg,
    /// Norms of at most `max_value` (Srivastava et al. 2014).
    MaxNorm {
        /// Largest norm.
        #[serde(default = "two")]
        max_value: f64,
        /// Axes of a norm.
        #[serde(default = "first")]
        axis: Vec<usize>,
    },
    /// Norms of 1.
    UnitNorm {
        /// Axes of a norm.
        #[serde(default = "first")]
        axis: Vec<usize>,
    },
    /// Norms from `min_value` to `max_value`; others are brought closer by the share `rate` of their distance.
    MinMaxNorm {
        /// Smallest norm.
        #[serde(default)]
        min_value: f64,
        /// Largest norm.
        #[serde(default = "one")]
        max_value: f64,
        /// Share of the distance, from 0 to 1.
        #[serde(default = "one")]
        rate: f64,
        /// Axes of a norm.
        #[serde(default = "first")]
        axis: Vec<usize>,
    },
}

fn one() -> f64 {
    1.0
}

fn two() -> f64 {
    2.0
}

fn first() -> Vec<usize> {
    vec![0]
}

impl Constraint {
    /// The bounds of norms, the share of the distance, and the axes; `None` if no norm is bounded.
    fn norms(&self) -> Option<([f64; 3], &[usize])> {
        Some(match self {
            Self::NonNeg => return None,
            Self::MaxNorm { max_value, axis } => ([0.0, *max_value, 1.0], axis),
            Self::UnitNorm { axis } => ([1.0, 1.0, 1.0], axis),
            Self::MinMaxNorm { min_value, max_value, rate, axis } => ([*min_value, *max_value, *rate], axis),
        })
    }

    /// Checks the numbers, and the axes of a tensor of this `shape`.
    ///
    /// # Errors
    /// Says what is out of range.
    pub(crate) fn validate(&self, shape: &[usize]) -> Result<(), String> {
        let Some(([low, high, rate], axis)) = self.norms() else { return Ok(()) };
        if !(is_held(low) && is_positive(high) && 0.0 <= low && low <= high) {
            return Err(format!(
                "has norms from {low} to {high}, expected 0 <= min_value <= max_value, above 0"
            ));
        }
        if !((0.0..=1.0).contains(&rate) && is_held(rate)) {
            return Err(format!("has rate = {rate}, expected a number from 0 to 1"));
        }
        if axis.is_empty() || axis.len() > shape.len() || axis.iter().enumerate().any(|(n, axis)| n != *axis)
        {
            let expected = (0..shape.len().max(1)).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "has axis = {axis:?} for a tensor of shape {shape:?}, expected its first axes in order, of {expected}"
            ));
        }
        Ok(())
    }
}

/// Fewest elements of a split, and most splits, of which one thread sums each.
const FEWEST: usize = 256;
const MOST: usize = 1024;

/// Appends the penalties of the trained tensors to the loss of the batch in `results`.
pub(crate) fn penalize(
    b: &mut Builder,
    penalties: &[(ParameterId, Regularizer)],
    results: ValueId,
    slots: usize,
) {
    for (id, Regularizer { l1, l2 }) in penalties {
        let (w, count) = (b.parameter(*id), b.program.parameters[id.0].len());
        let splits = count.div_ceil(FEWEST).min(MOST);
        let partials = b.temporary("penalties", vec![splits]);
        let call = Call::new(&PENALTY_PARTIALS, &[("COUNT", count), ("SPLITS", splits)]);
        b.call("penalty", call.with("L1", *l1).with("L2", *l2), &[("partials", partials), ("w", w)]);
        let call = Call::new(&ADD_PENALTY, &[("SPLITS", splits), ("SLOTS", slots)]);
        b.call("penalty", call, &[("results", results), ("partials", partials)]);
    }
}

/// Appends the gradients of the penalties to those of the tensors.
pub(crate) fn penalize_gradients(b: &mut Builder, penalties: &[(ParameterId, Regularizer)]) {
    for (id, Regularizer { l1, l2 }) in penalties {
        let (w, grad) = (b.parameter(*id), b.gradient(*id));
        let call = Call::new(&PENALIZE, &[("COUNT", b.program.parameters[id.0].len())]);
        b.call("penalty", call.with("L1", *l1).with("L2", *l2), &[("grad", grad), ("w", w)]);
    }
}

/// Appends the constraints, after the update.
pub(crate) fn constrain(b: &mut Builder, constraints: &[(ParameterId, Constraint)]) {
    for (id, constraint) in constraints {
        let shape = b.program.parameters[id.0].shape.clone();
        let w = b.fixed("constrained", shape.clone(), Home::Parameter(*id));
        let call = match constraint.norms() {
            None => Call::new(&CONSTRAIN_SIGN, &[("COUNT", shape.iter().product())]),
            Some(([low, high, rate], axis)) => {
                let (rows, columns) = shape.split_at(axis.len());
                let sizes = [("ROWS", rows.iter().product()), ("COLUMNS", columns.iter().product())];
                Call::new(&CONSTRAIN_NORM, &sizes).with("LOW", low).with("HIGH", high).with("RATE", rate)
            }
        };
        b.call("constraint", call, &[("w", w)]);
    }
}
