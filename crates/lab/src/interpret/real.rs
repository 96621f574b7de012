//! A number of the reference: its value in f64, and how far a right f32 kernel may be from it.
//!
//! A sum knows the magnitude Σ|terms| and how often it was added to, so that its bound is that of *any* order of its terms,
//! n · ε · Σ|terms| (Higham, "Accuracy and Stability of Numerical Algorithms", §4.2), and a sum that cancels keeps it.
//! Sums and products of numbers with few digits, such as counts, are exact in any order, and known to be.

use std::cmp::Ordering;
use wgrad::op::twin::{EPSILON, SUBNORMAL};

/// What a bound is multiplied by before it decides or allows anything. WGSL leaves open whether a device rounds up or down
/// ("Floating Point Accuracy": correctly rounded), which is twice [`EPSILON`]; and a kernel may take a product apart
/// or multiply by a reciprocal.
pub(super) const SAFETY: f64 = 2.0;

/// The type of a floating point number. Values of f16 are not rounded, as those of f32 are not: their bounds are wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// `f32`
    Single,
    /// `f16`
    Half,
}

impl Width {
    /// The rounding error of one operation, relative.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::Single => EPSILON,
            Self::Half => 1.0 / 2048.0,
        }
    }

    /// What is smaller may count as zero.
    pub fn tiny(self) -> f64 {
        match self {
            Self::Single => SUBNORMAL,
            Self::Half => 1.0 / 16384.0,
        }
    }

    /// A unit in the last place of `value`, or more.
    pub fn ulp(self, value: f64) -> f64 {
        2.0 * self.epsilon() * value.abs()
    }

    /// How many multiples of a quantum are exact: 2 to the number of digits.
    fn whole(self) -> f64 {
        1.0 / self.epsilon()
    }

    /// Whether the type has this very value.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Single => f64::from(value as f32) == value,
            Self::Half => half::f16::from_f64(value).to_f64() == value,
        }
    }
}

/// A floating point number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real {
    /// The value, as f64 computes it.
    pub value: f64,
    /// How far the terms may be off, all together.
    error: f64,
    /// Σ|terms|; the size of the value where it is no sum.
    magnitude: f64,
    /// Rounding errors of the additions, as a share of the magnitude.
    growth: f64,
    /// Every term is a whole multiple of it, and the sum of all is exact in any order; 0 where that is not known.
    quantum: f64,
}

/// x · y where either may be without an end and the other zero.
fn times(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { x * y }
}

/// The power of two that the last digit of `value` stands for.
fn quantum(value: f64) -> f64 {
    if value == 0.0 {
        return f64::MAX;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = bits & ((1 << 52) - 1);
    let zeros = if mantissa == 0 { 52 } else { u64::from(mantissa.trailing_zeros()) };
    match (exponent + zeros).checked_sub(52) {
        Some(power @ 1..0x7ff) if exponent > 0 && exponent < 0x7ff => f64::from_bits(power << 52),
        _ => 0.0,
    }
}

impl Real {
    /// Zero, exactly.
    pub const ZERO: Self = Self { value: 0.0, error: 0.0, magnitude: 0.0, growth: 0.0, quantum: f64::MAX };

    /// A number that every device has as it is.
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0, magnitude: value.abs(), growth: 0.0, quantum: quantum(value) }
    }

    /// The number of these bits of an f32.
    pub fn of_bits(bits: u32) -> Self {
        Self::exact(f64::from(f32::from_bits(bits)))
    }

    /// A value that may be off by `error`.
    pub fn within(value: f64, error: f64) -> Self {
        Self { value, error, magnitude: value.abs(), growth: 0.0, quantum: 0.0 }
    }

    /// An integer as a float. WGSL says not which way one is rounded that it does not hold.
    pub fn of_integer(value: f64, width: Width) -> Self {
        match width.holds(value) {
            true => Self::exact(value),
            false => Self::within(value, width.ulp(value)),
        }
    }

    /// Another value with the same bound.
    pub fn at(self, value: f64) -> Self {
        Self { value, ..self }
    }

    /// How far a device may be from the value, before [`SAFETY`].
    pub fn bound(self) -> f64 {
        match self {
            Self { quantum, value, .. } if quantum > 0.0 => {
                // It may count as zero where something is computed with it.
                if value.abs() < SUBNORMAL { value.abs() } else { 0.0 }
            }
            Self { growth: 0.0, error, .. } => error,
            Self { growth, error, magnitude, .. } => error + growth * magnitude,
        }
    }

    /// How far a right result may be from the value.
    pub fn allowed(self) -> f64 {
        SAFETY * self.bound()
    }

    /// Whether every device has this very number.
    pub fn is_exact(self) -> bool {
        self.quantum > 0.0 || (self.error == 0.0 && self.growth == 0.0)
    }

    fn is_nothing(self) -> bool {
        self.value == 0.0 && self.magnitude == 0.0 && self.error == 0.0
    }

    fn is_power_of_two(self) -> bool {
        self.quantum > 0.0 && self.value != 0.0 && self.value.to_bits() & ((1 << 52) - 1) == 0
    }

    /// The number as an operand: a device may take a subnormal one for zero.
    fn operand(self, width: Width) -> Self {
        let size = self.value.abs();
        match size < width.tiny() && size > 0.0 && self.quantum > 0.0 {
            true => Self { error: size, quantum: 0.0, ..self },
            false => self,
        }
    }

    /// a + b
    pub fn add(self, other: Self, width: Width) -> Self {
        /// How many multiples of a quantum f64 holds: 2⁵³.
        const F64: f64 = 9_007_199_254_740_992.0;
        let (a, b) = (self.operand(width), other.operand(width));
        // Adding zero rounds nothing.
        if a.is_nothing() {
            return b;
        }
        if b.is_nothing() {
            return a;
        }
        let value = a.value + b.value;
        let magnitude = a.magnitude + b.magnitude;
        let growth = a.growth + b.growth + width.epsilon();
        let quantum = a.quantum.min(b.quantum);
        // Of two numbers the sum is exact where the type holds it, if f64 has not rounded it.
        let alone = a.growth == 0.0 && b.growth == 0.0 && width.holds(value) && magnitude <= F64 * quantum;
        if quantum > 0.0 && (alone || magnitude <= width.whole() * quantum) {
            return Self { value, error: 0.0, magnitude, growth, quantum };
        }
        Self { value, error: a.error + b.error + width.tiny(), magnitude, growth, quantum: 0.0 }
    }

    /// -a
    pub fn negate(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// a - b
    pub fn subtract(self, other: Self, width: Width) -> Self {
        self.add(other.negate(), width)
    }

    /// a · b. The product is one term of the sum that it is added to, whatever its factors were sums of.
    pub fn multiply(self, other: Self, width: Width) -> Self {
        let (a, b) = (self.operand(width), other.operand(width));
        if b.is_power_of_two() {
            return a.scaled(b.value, width);
        }
        if a.is_power_of_two() {
            return b.scaled(a.value, width);
        }
        let value = a.value * b.value;
        if a.quantum > 0.0 && b.quantum > 0.0 && width.holds(value) {
            return Self::exact(value);
        }
        let (off_a, off_b) = (a.bound(), b.bound());
        let carried = times(a.value.abs(), off_b) + times(b.value.abs(), off_a) + times(off_a, off_b);
        if value == 0.0 && carried == 0.0 && (a.value == 0.0 || b.value == 0.0) {
            return Self::exact(value);
        }
        Self::within(value, carried + width.epsilon() * value.abs() + width.tiny())
    }

    /// a · 2ⁿ, which rounds nothing.
    fn scaled(self, factor: f64, width: Width) -> Self {
        let (value, size) = (self.value * factor, factor.abs());
        let (error, magnitude) = (self.error * size, self.magnitude * size);
        let quantum = self.quantum.min(1e300) * size;
        if self.quantum > 0.0 && width.holds(value) && quantum > 0.0 {
            return Self { value, error, magnitude, quantum, ..self };
        }
        Self { value, error: error + width.tiny(), magnitude, quantum: 0.0, ..self }
    }

    /// a / b, right to 2.5 units in the last place ("Accuracy of concrete floating point operations").
    pub fn divide(self, other: Self, width: Width) -> Self {
        /// Beyond it WGSL says nothing of a quotient: the reciprocal may be subnormal.
        const LARGEST: f64 = 8.507_059_173_023_462e37;
        let (a, b) = (self.operand(width), other.operand(width));
        let value = a.value / b.value;
        let (off_a, off_b) = (a.bound(), b.bound());
        let least = b.value.abs() - off_b;
        if a.value == 0.0 && off_a == 0.0 && least > 0.0 {
            return Self::exact(value);
        }
        if least.is_nan() || least <= 0.0 {
            return Self::within(value, f64::INFINITY);
        }
        let carried = (off_a + times(value.abs(), off_b)) / least;
        let beyond = if b.value.abs() > LARGEST { value.abs() } else { 0.0 };
        Self::within(value, carried + 2.5 * width.ulp(value) + width.tiny() + beyond)
    }

    /// a % b, which inherits from a - b · trunc(a / b). Exact where both are, and the quotient is far from an integer.
    pub fn remainder(self, other: Self, width: Width) -> Self {
        let quotient = self.divide(other, width).stepped(f64::trunc);
        let value = self.value % other.value;
        let composed = self.subtract(other.multiply(quotient, width), width);
        match quotient.is_exact() {
            true => composed.at(value),
            // The quotient may be the next integer: then the remainder is off by b.
            false => Self::within(value, composed.bound() + other.value.abs() + other.bound()),
        }
    }

    /// How a and b compare by their values, and whether no rounding turns that.
    pub fn compare(self, other: Self, width: Width) -> (Option<Ordering>, bool) {
        let order = self.value.partial_cmp(&other.value);
        let (a, b) = (self.operand(width), other.operand(width));
        let slack = SAFETY * (a.bound() + b.bound());
        let sure = order.is_some() && (slack == 0.0 || (a.value - b.value).abs() > slack);
        (order, sure)
    }

    /// This number where the other one is as right: both are within the bound.
    pub fn joined(self, other: Self) -> Self {
        let off = (self.value - other.value).abs() + other.bound();
        if off == 0.0 {
            return self;
        }
        let error = if off.is_nan() { f64::INFINITY } else { self.bound().max(off) };
        Self::within(self.value, error)
    }

    /// The larger (`Greater`) or smaller (`Less`) of both. Neither is further off than the operands are.
    pub fn chosen(self, other: Self, which: Ordering, width: Width) -> Self {
        let (order, sure) = self.compare(other, width);
        let (kept, left) = if order == Some(which.reverse()) { (other, self) } else { (self, other) };
        match (order, sure) {
            (_, true) => kept,
            // WGSL may give either where one is no number.
            (None, _) if kept.value.is_nan() => left.joined(kept),
            (None, _) => kept.joined(left),
            (Some(_), false) => Self::within(kept.value, kept.bound().max(left.bound())),
        }
    }

    /// A step function such as floor: exact where no rounding reaches the next step, else within all that it reaches.
    pub fn stepped(self, step: fn(f64) -> f64) -> Self {
        let value = step(self.value);
        let slack = self.allowed();
        let [below, above] = [self.value - slack, self.value + slack].map(|v| (step(v) - value).abs());
        match below == 0.0 && above == 0.0 {
            true => Self::exact(value),
            false if below.is_nan() || above.is_nan() => Self::within(value, f64::INFINITY),
            false => Self::within(value, below.max(above)),
        }
    }

    /// |a|
    pub fn abs(self) -> Self {
        Self { value: self.value.abs(), ..self }
    }

    /// The integer towards zero within `range`, and whether no rounding turns it.
    pub fn to_integer(self, least: f64, most: f64) -> (f64, bool) {
        let whole = |v: f64| v.trunc().clamp(least, most);
        let slack = self.allowed();
        let sure = whole(self.value - slack) == whole(self.value + slack);
        (if self.value.is_nan() { 0.0 } else { whole(self.value) }, sure)
    }

    /// The nearest number of half precision, or one beside it.
    pub fn halved(self) -> Self {
        if self.quantum > 0.0 && Width::Half.holds(self.value) {
            return Self::exact(self.value);
        }
        /// Half the distance between subnormal numbers of half precision.
        const LEAST: f64 = 2.980_232_238_769_531_3e-8;
        let flushed = if self.value.abs() < Width::Half.tiny() { self.value.abs() } else { 0.0 };
        let rounding = Width::Half.epsilon() * self.value.abs() + LEAST + flushed;
        Self::within(self.value, self.bound() + rounding)
    }
}
