//! The float functions of WGSL: in f64, with the accuracy that WGSL asks of a device.
//!
//! Source: WebGPU Shading Language, "Accuracy of Concrete Floating Point Expressions". Where the accuracy is *inherited
//! from* an expression, that expression's error is computed; where WGSL says nothing, as of sin beyond ±π, the word
//! behind the function says what is taken.

use super::real::{Real, Width};
use std::{
    cmp::Ordering,
    f64::consts::{PI, TAU},
};

/// `f` of a number that may be off: as far as `f` carries that, and `own` more. `f` is monotonic, or grows to both sides.
fn through(x: Real, domain: [f64; 2], f: impl Fn(f64) -> f64, own: f64, width: Width) -> Real {
    let value = f(x.value);
    let off = x.bound();
    let carried = if off == 0.0 {
        0.0
    } else {
        let end = |x: f64| (f(x.clamp(domain[0], domain[1])) - value).abs();
        let (below, above) = (end(x.value - off), end(x.value + off));
        if below.is_nan() || above.is_nan() { f64::INFINITY } else { below.max(above) }
    };
    Real::within(value, carried + own + width.tiny())
}

const ALL: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
const NOT_NEGATIVE: [f64; 2] = [0.0, f64::INFINITY];
const SHARE: [f64; 2] = [-1.0, 1.0];

/// The number without what it may be off: to see how far the function itself is.
fn bare(x: Real) -> Real {
    Real::within(x.value, 0.0)
}

/// The units in the last place that exp and exp2 may be off.
fn exp_ulps(x: f64, width: Width) -> f64 {
    match width {
        Width::Single => 3.0 + 2.0 * x.abs(),
        Width::Half => 1.0 + 2.0 * x.abs(),
    }
}

/// eˣ: 3 + 2|x| units in the last place.
pub(super) fn exp(x: Real, width: Width) -> Real {
    through(x, ALL, f64::exp, exp_ulps(x.value, width) * width.ulp(x.value.exp()), width)
}

/// 2ˣ: 3 + 2|x| units in the last place.
pub(super) fn exp2(x: Real, width: Width) -> Real {
    through(x, ALL, f64::exp2, exp_ulps(x.value, width) * width.ulp(x.value.exp2()), width)
}

/// What a logarithm of value `y` at `x` may be off: 2⁻²¹ from 0.5 to 2, else 3 units in the last place.
fn log_error(x: f64, y: f64, width: Width) -> f64 {
    let near = match width {
        Width::Single => 1.0 / 2_097_152.0,
        Width::Half => 1.0 / 128.0,
    };
    if (0.5..=2.0).contains(&x) { near } else { 3.0 * width.ulp(y) }
}

/// The natural logarithm.
pub(super) fn log(x: Real, width: Width) -> Real {
    through(x, NOT_NEGATIVE, f64::ln, log_error(x.value, x.value.ln(), width), width)
}

/// The logarithm to base 2.
pub(super) fn log2(x: Real, width: Width) -> Real {
    through(x, NOT_NEGATIVE, f64::log2, log_error(x.value, x.value.log2(), width), width)
}

/// xʸ, which inherits from exp2(y · log2(x)).
pub(super) fn pow(x: Real, y: Real, width: Width) -> Real {
    let value = x.value.powf(y.value);
    if x.value < 0.0 {
        // WGSL has no power of a negative number.
        return Real::within(f64::NAN, f64::INFINITY);
    }
    if x.value == 0.0 && x.is_exact() && y.value > y.bound() {
        return Real::exact(0.0);
    }
    let own = exp2(bare(y).multiply(log2(bare(x), width), width), width).bound();
    let (off_x, off_y) = (x.bound(), y.bound());
    let mut carried = 0.0f64;
    for x in [(x.value - off_x).max(0.0), x.value + off_x] {
        for y in [y.value - off_y, y.value + off_y] {
            let off = (x.powf(y) - value).abs();
            carried = if off.is_nan() { f64::INFINITY } else { carried.max(off) };
        }
    }
    Real::within(value, carried + own)
}

/// √x, which inherits from 1 / inverseSqrt(x): 2 and 2.5 units in the last place.
pub(super) fn sqrt(x: Real, width: Width) -> Real {
    if x.value == 0.0 && x.is_exact() {
        return Real::exact(0.0);
    }
    through(x, NOT_NEGATIVE, f64::sqrt, 4.5 * width.ulp(x.value.sqrt()), width)
}

/// 1 / √x: 2 units in the last place.
pub(super) fn inverse_sqrt(x: Real, width: Width) -> Real {
    let f = |x: f64| 1.0 / x.sqrt();
    through(x, NOT_NEGATIVE, f, 2.0 * width.ulp(f(x.value)), width)
}

/// The absolute error of sine and cosine at `x`: 2⁻¹¹ within ±π. Beyond, where WGSL says nothing, as much and the rounding
/// of the angle.
fn wave_error(x: f64, width: Width) -> f64 {
    let within = match width {
        Width::Single => 1.0 / 2048.0,
        Width::Half => 1.0 / 128.0,
    };
    if x.abs() <= PI { within } else { within + 2.0 * width.ulp(x) }
}

/// sin x
pub(super) fn sin(x: Real, width: Width) -> Real {
    Real::within(x.value.sin(), x.bound().min(2.0) + wave_error(x.value, width))
}

/// cos x
pub(super) fn cos(x: Real, width: Width) -> Real {
    Real::within(x.value.cos(), x.bound().min(2.0) + wave_error(x.value, width))
}

/// tan x, which inherits from sin(x) / cos(x).
pub(super) fn tan(x: Real, width: Width) -> Real {
    sin(x, width).divide(cos(x, width), width).at(x.value.tan())
}

/// 4096 units in the last place (f32), 5 (f16).
fn atan_error(angle: f64, width: Width) -> f64 {
    match width {
        Width::Single => 4096.0 * width.ulp(angle),
        Width::Half => 5.0 * width.ulp(angle),
    }
}

/// atan x
pub(super) fn atan(x: Real, width: Width) -> Real {
    through(x, ALL, f64::atan, atan_error(x.value.atan(), width), width)
}

/// The angle of (x, y), in ±π.
pub(super) fn atan2(y: Real, x: Real, width: Width) -> Real {
    let value = y.value.atan2(x.value);
    let off = x.bound().hypot(y.bound());
    let length = x.value.hypot(y.value);
    let turned = match off {
        0.0 if length > 0.0 => 0.0,
        off if off < length => (off / length).asin(),
        // No angle is better than another.
        _ => PI,
    };
    // At the negative x axis the angle jumps from -π to π.
    let crosses = x.value - x.bound() <= 0.0 && y.value.abs() <= y.bound() && y.bound() > 0.0;
    let jump = if crosses { TAU } else { 0.0 };
    Real::within(value, turned + atan_error(value, width) + jump + width.tiny())
}

/// asin and acos: the worse of `least` and what is inherited from atan2.
fn arc(x: Real, f: fn(f64) -> f64, inherited: Real, width: Width) -> Real {
    let least = match width {
        Width::Single => 6.81e-5,
        Width::Half => 3.91e-3,
    };
    through(x, SHARE, f, inherited.bound().max(least), width)
}

/// 1 - x², rooted: what asin and acos inherit from. Where it may be negative, they are off by a quarter of a turn.
fn side(x: f64, width: Width) -> Real {
    let one = Real::exact(1.0);
    let x = Real::within(x, 0.0);
    sqrt(one.subtract(x.multiply(x, width), width), width)
}

/// asin x
pub(super) fn asin(x: Real, width: Width) -> Real {
    arc(x, f64::asin, atan2(bare(x), side(x.value, width), width), width)
}

/// acos x
pub(super) fn acos(x: Real, width: Width) -> Real {
    arc(x, f64::acos, atan2(side(x.value, width), bare(x), width), width)
}

/// (eˣ ± e⁻ˣ) / 2, of a number that is not off.
fn halves(x: f64, plus: bool, width: Width) -> Real {
    let [rising, falling] = [x, -x].map(|x| exp(Real::within(x, 0.0), width));
    let falling = if plus { falling } else { falling.negate() };
    rising.add(falling, width).multiply(Real::exact(0.5), width)
}

/// sinh x
pub(super) fn sinh(x: Real, width: Width) -> Real {
    through(x, ALL, f64::sinh, halves(x.value, false, width).bound(), width)
}

/// cosh x
pub(super) fn cosh(x: Real, width: Width) -> Real {
    through(x, ALL, f64::cosh, halves(x.value, true, width).bound(), width)
}

/// tanh x: the worse of 10⁻⁵ and what is inherited from sinh(x) / cosh(x), as far as that is finite on a device.
pub(super) fn tanh(x: Real, width: Width) -> Real {
    /// Beyond it eˣ is no f32.
    const MOST: f64 = 88.0;
    let at = x.value.clamp(-MOST, MOST);
    let inherited = halves(at, false, width).divide(halves(at, true, width), width).bound();
    through(x, ALL, f64::tanh, inherited.max(1e-5), width)
}

/// asinh x, which inherits from log(x + sqrt(x · x + 1)).
pub(super) fn asinh(x: Real, width: Width) -> Real {
    let at = bare(x);
    let root = sqrt(at.multiply(at, width).add(Real::exact(1.0), width), width);
    through(x, ALL, f64::asinh, log(at.add(root, width), width).bound(), width)
}

/// acosh x, which inherits from log(x + sqrt(x · x - 1)).
pub(super) fn acosh(x: Real, width: Width) -> Real {
    let at = bare(x);
    let root = sqrt(at.multiply(at, width).subtract(Real::exact(1.0), width), width);
    through(x, [1.0, f64::INFINITY], f64::acosh, log(at.add(root, width), width).bound(), width)
}

/// atanh x, which inherits from log((1 + x) / (1 - x)) · 0.5.
pub(super) fn atanh(x: Real, width: Width) -> Real {
    let (at, one) = (bare(x), Real::exact(1.0));
    let own = log(one.add(at, width).divide(one.subtract(at, width), width), width);
    through(x, SHARE, f64::atanh, own.bound() / 2.0, width)
}

/// The least and the largest of three: `min(max(x, low), high)`.
pub(super) fn clamp(x: Real, low: Real, high: Real, width: Width) -> Real {
    x.chosen(low, Ordering::Greater, width).chosen(high, Ordering::Less, width)
}

/// -1, 0 or 1; where rounding may turn it, within all of these that it may be.
pub(super) fn sign(x: Real, width: Width) -> Real {
    let of = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    match x.compare(Real::ZERO, width) {
        (_, true) => Real::exact(of(x.value)),
        (None, _) => Real::within(f64::NAN, f64::INFINITY),
        (Some(_), false) => Real::within(of(x.value), 1.0 + of(x.value).abs()),
    }
}

/// 1 where `edge <= x`, else 0.
pub(super) fn step(edge: Real, x: Real, width: Width) -> Real {
    let (order, sure) = edge.compare(x, width);
    let value = if order.is_some_and(Ordering::is_le) { 1.0 } else { 0.0 };
    if sure { Real::exact(value) } else { Real::within(value, 1.0) }
}

/// x · (1 - z) + y · z
pub(super) fn mix(x: Real, y: Real, z: Real, width: Width) -> Real {
    let rest = Real::exact(1.0).subtract(z, width);
    x.multiply(rest, width).add(y.multiply(z, width), width)
}

/// t² (3 - 2 t) of t = clamp((x - low) / (high - low), 0, 1)
pub(super) fn smoothstep(low: Real, high: Real, x: Real, width: Width) -> Real {
    let share = x.subtract(low, width).divide(high.subtract(low, width), width);
    let t = clamp(share, Real::ZERO, Real::exact(1.0), width);
    let bend = Real::exact(3.0).subtract(Real::exact(2.0).multiply(t, width), width);
    t.multiply(t, width).multiply(bend, width)
}

/// x - floor(x)
pub(super) fn fract(x: Real, width: Width) -> Real {
    x.subtract(x.stepped(f64::floor), width)
}

/// Σ a · b
pub(super) fn dot(pairs: impl Iterator<Item = (Real, Real)>, width: Width) -> Real {
    pairs.fold(Real::ZERO, |sum, (a, b)| sum.add(a.multiply(b, width), width))
}

/// The whole part and the share of a power of two: x = share · 2ⁿ, 0.5 <= |share| < 1.
pub(super) fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let mut exponent = x.abs().log2().floor() as i32 + 1;
    let mut share = x / f64::from(exponent).exp2();
    if share.abs() >= 1.0 {
        (share, exponent) = (share / 2.0, exponent + 1);
    } else if share.abs() < 0.5 {
        (share, exponent) = (share * 2.0, exponent - 1);
    }
    (share, exponent)
}
