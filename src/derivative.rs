//! Slopes of functions in f64 by central differences, and how far a right gradient may be off.

use crate::compare::allows;

/// The step of the difference quotient: small beside the distance to the next kink, large beside the rounding
/// of a loss in f64.
const STEP: f64 = 1e-6;
/// How far quotient and gradient may be apart, as a share of the gradient's size.
const SHARE: f64 = 1e-6;
/// Errors of the loss itself, in roundings.
const ROUNDINGS: f64 = 32.0;

/// A slope by central differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Derivative {
    /// (f(h) - f(-h)) / 2h.
    pub slope: f64,
    /// Whether half the step gives the same.
    pub smooth: bool,
    /// How far a right slope may be off: rounding of f over the step, and a share of `scale`.
    pub allowed: f64,
}

/// The slope of `f` at 0; `scale` is the size of slopes that matter.
pub fn derivative(scale: f64, mut f: impl FnMut(f64) -> f64) -> Derivative {
    let mut size = 0.0f64;
    let mut central = |h: f64| {
        let (above, below) = (f(h), f(-h));
        size = size.max(above.abs()).max(below.abs());
        (above - below) / (2.0 * h)
    };
    let (slope, half) = (central(STEP), central(STEP / 2.0));
    let allowed = SHARE * scale.max(slope.abs()) + ROUNDINGS * f64::EPSILON * size.max(1.0) / STEP;
    // Twice the rounding for half the step.
    Derivative { slope, smooth: allows(2.0 * allowed, (slope - half).abs()), allowed }
}
