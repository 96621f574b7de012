//! Derivatives of functions in f64 by central differences, with the error that a correct gradient may have.

use crate::compare::allows;

/// The step of the difference quotient: small relative to the distance to the next kink, large relative to the rounding
/// of a loss in f64.
const STEP: f64 = 1e-6;
/// Allowed difference between quotient and gradient, as a share of the gradient's size.
const SHARE: f64 = 1e-6;
/// Errors of the loss itself, in roundings.
const ROUNDINGS: f64 = 32.0;

/// A derivative by central differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Derivative {
    /// (f(h) - f(-h)) / 2h.
    pub slope: f64,
    /// True if half the step gives the same slope.
    pub smooth: bool,
    /// Allowed error of a correct slope: rounding of f over the step, and a share of `scale`.
    pub allowed: f64,
}

/// The derivative of `f` at 0; `scale` is the size of slopes that matter.
pub fn derivative(scale: f64, mut f: impl FnMut(f64) -> f64) -> Derivative {
    let mut size = 0.0f64;
    let mut central = |h: f64| {
        let (above, below) = (f(h), f(-h));
        size = size.max(above.abs()).max(below.abs());
        (above - below) / (2.0 * h)
    };
    let (slope, half) = (central(STEP), central(STEP / 2.0));
    let allowed = SHARE * scale.max(slope.abs()) + ROUNDINGS * f64::EPSILON * size.max(1.0) / STEP;
    // Half the step doubles the rounding.
    Derivative { slope, smooth: allows(2.0 * allowed, (slope - half).abs()), allowed }
}
