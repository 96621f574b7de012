//! Kinds of inputs with which a kernel must be correct. Numbers in [-1, 1) hide a softmax that does not subtract its
//! maximum, a maximum that starts from a fixed number, and a variance that is a difference of two large sums.

use crate::{
    feed::split_mix,
    op::{Access, At, Binding, Call, Element, Role, twin::flushed},
};
use serde::Serialize;
use std::fmt;

/// Distribution of the inputs of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// In [-1, 1], one in four a multiple of a half.
    Small,
    /// Within ±100: their exp overflows.
    Hundreds,
    /// Within ±1e4.
    Thousands,
    /// Below 2⁻¹¹⁶, most of them subnormal, one in four zero. A device may flush subnormal numbers to zero.
    Tiny,
    /// All elements of a buffer are one number.
    Equal,
    /// From 2⁻²⁰ to 2¹⁸, of both signs: some exceed half precision.
    Mixed,
    /// Around 1000 or -1000, at most a half away.
    Offset,
    /// Below -1, most of them below -1000.
    Negative,
    /// Four numbers that repeat.
    Ties,
    /// Two in three are zeros, of both signs.
    Zeros,
    /// The lowest numbers that f32 holds, for inputs that are only copied and compared.
    Lowest,
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "inputs within ±1",
            Self::Hundreds => "inputs of ±100",
            Self::Thousands => "inputs of ±1e4",
            Self::Tiny => "tiny inputs, below 1e-30",
            Self::Equal => "equal inputs",
            Self::Mixed => "inputs from 1e-6 to 3e5",
            Self::Offset => "inputs around ±1000",
            Self::Negative => "negative inputs",
            Self::Ties => "inputs with ties",
            Self::Zeros => "zeros of both signs",
            Self::Lowest => "inputs near -3.4e38",
        })
    }
}

/// The random numbers of one buffer: the regime, and a seed of the buffer.
pub(super) struct Draw<'a> {
    pub regime: Regime,
    pub own: u64,
    pub call: &'a Call,
}

/// A number in [-1, 1) with the digits of an f32.
fn unit(v: u64) -> f64 {
    f64::from((v >> 40) as f32 / (1u32 << 23) as f32 - 1.0)
}

/// Magnitudes from 2^`from` to 2^`to`, of both signs, uniform in the logarithm.
fn spread(v: u64, from: f64, to: f64) -> f64 {
    let share = (v >> 11) as f64 / (1u64 << 53) as f64;
    let sign = if v & 1 == 0 { 1.0 } else { -1.0 };
    sign * (from + share * (to - from)).exp2()
}

impl Regime {
    /// All regimes, the small one first.
    pub const ALL: [Self; 11] = [
        Self::Small,
        Self::Hundreds,
        Self::Thousands,
        Self::Tiny,
        Self::Equal,
        Self::Mixed,
        Self::Offset,
        Self::Negative,
        Self::Ties,
        Self::Zeros,
        Self::Lowest,
    ];

    /// The regimes for an operation with these buffers: only the small one if it reads no numbers; the lowest one only
    /// if all its inputs are copied.
    ///
    /// With `integers`, buffers of integers have regimes of their own: equal ones, ties and zeros.
    pub(super) fn of(bindings: &[Binding], feed: bool, integers: bool) -> Vec<Self> {
        let reads = |b: &&Binding| b.element == Element::F32 && b.access != Access::Write;
        let read: Vec<&Role> = bindings.iter().filter(reads).map(|b| &b.role).collect();
        let counts = |b: &Binding| b.element != Element::F32 && b.access != Access::Write;
        let counts = integers && bindings.iter().any(counts);
        let takes = |regime: &Self| match regime {
            Self::Small => true,
            Self::Equal | Self::Ties | Self::Zeros if counts => true,
            Self::Lowest => !read.is_empty() && read.iter().all(|role| **role == Role::Copied),
            _ => feed || !read.is_empty(),
        };
        Self::ALL.into_iter().filter(takes).collect()
    }

    /// A number of this regime from the random `v`; `own` is the seed of the buffer.
    pub(super) fn number(self, v: u64, own: u64) -> f64 {
        let number = match self {
            Self::Small if v.is_multiple_of(4) => ((v >> 40) % 5) as f64 / 2.0 - 1.0,
            Self::Small => unit(v),
            Self::Hundreds => 100.0 * unit(v),
            Self::Thousands => 1e4 * unit(v),
            Self::Tiny if v.is_multiple_of(4) => 0.0,
            Self::Tiny => spread(v.rotate_right(2), -148.0, -116.0),
            Self::Equal => 8.0 * unit(own),
            Self::Mixed => spread(v, -20.0, 18.0),
            Self::Offset => unit(v) / 2.0 + if own & 1 == 0 { 1000.0 } else { -1000.0 },
            Self::Negative => -1.0 - 2e4 * unit(v).abs(),
            Self::Ties => [-2.0, -0.5, 1.0, 3.0][(v >> 40) as usize % 4],
            Self::Zeros if v.is_multiple_of(3) => unit(v),
            Self::Zeros => [0.0, -0.0][(v >> 40) as usize % 2],
            Self::Lowest if v.is_multiple_of(4) => -f64::from(f32::MAX),
            Self::Lowest if v % 16 == 1 => f64::from(f32::MAX) * unit(v),
            Self::Lowest => -f64::from(f32::MAX) * (1.0 - unit(v).abs() / 10.0),
        };
        f64::from(number as f32)
    }
}

/// The integers that a buffer of `element` may hold: the lowest, and how many. The marks `below` and `from A to B` say
/// less than all.
pub(super) fn whole(element: Element, role: &Role, below: Option<usize>) -> (i64, u64) {
    let (least, most) = match element {
        Element::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (0, i64::from(u32::MAX)),
    };
    let within = |v: f64| (v as i64).clamp(least, most);
    let (low, high) = match (below, role) {
        (Some(below), _) => (0, within(below as f64 - 1.0).max(0)),
        (_, Role::Between(low, high)) => (within(low.0.ceil()), within(high.0.floor())),
        (_, Role::Share) => (0, 1),
        (_, Role::Positive) => (0, most),
        _ => (least, most),
    };
    (low, high.abs_diff(low.min(high)) + 1)
}

impl Regime {
    /// An integer of this regime from the random `v`, of `range`, the lowest and how many; `own` is the seed of the buffer.
    pub(super) fn integer(self, v: u64, own: u64, (low, count): (i64, u64)) -> i64 {
        let place = match self {
            Self::Equal => own % count,
            // Four of them.
            Self::Ties => split_mix(own ^ ((v >> 40) % 4)) % count,
            Self::Zeros if !v.is_multiple_of(3) => match u64::try_from(-low) {
                Ok(zero) if zero < count => zero,
                _ => 0,
            },
            _ => (v >> 8) % count,
        };
        low + place as i64
    }
}

impl Draw<'_> {
    /// A number of the regime, adapted to the role of its buffer.
    pub fn number(&self, role: &Role, v: u64) -> f64 {
        let number = self.regime.number(v, self.own);
        let size = number.abs();
        let share = if size <= 1.0 { size } else { size / (1.0 + size) };
        let sizes = &self.call.sizes;
        /// Powers and sums of it, times other inputs, stay within f32.
        const LARGE: f64 = 1e12;
        let number = match role {
            Role::Real | Role::Copied => number,
            Role::Positive => size,
            Role::Share => share,
            Role::Between(low, high) => {
                let part =
                    if size <= 1.0 { (number + 1.0) / 2.0 } else { (number / (1.0 + size) + 1.0) / 2.0 };
                // The nearest f32 may lie beyond the bounds.
                let drawn = f64::from((low.0 + part * (high.0 - low.0)) as f32);
                return if (low.0..=high.0).contains(&drawn) {
                    drawn
                } else {
                    f64::from(((low.0 + high.0) / 2.0) as f32)
                };
            }
            Role::Activated => {
                let argument = if self.regime == Regime::Small { 2.0 * number } else { number };
                match self.call.activation.at {
                    At::Output => (self.call.activation.value)(argument).min(LARGE),
                    At::Input => argument,
                }
            }
            Role::Argument => number.clamp(-self.most(), self.most()),
            Role::Again => {
                let value = self.number(&Role::Activated, v).clamp(-self.most(), self.most());
                // Large factors turn a subnormal number, such as exp(-90), into one that a device that flushes it
                // cannot know.
                if self.regime == Regime::Tiny { value } else { flushed(value) }
            }
            // Each layer has its own role: see `Role::at`.
            Role::Layers { .. } => number,
            Role::Above { bound, size: which, values } => {
                let value = sizes.get(which).copied().unwrap_or(0.0);
                let bound = sizes.get(bound).copied().unwrap_or(0.0);
                // The function is undefined at the bound, and exceeds f32 close to it.
                match values.iter().any(|v| f64::from(*v) == value) {
                    true => size.max(bound.abs().max(1.0) / 16.0) - bound,
                    false => number,
                }
            }
        };
        f64::from(number as f32)
    }

    /// The largest argument whose activation fits f32 with room for products.
    fn most(&self) -> f64 {
        let held = |most: &f64| (self.call.activation.value)(*most).abs() <= 1e9;
        [1e9, 20.0].into_iter().find(held).unwrap_or(20.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Draw, Regime};
    use crate::{
        feed::split_mix,
        kernels::{ACTIVATION_GRAD, CLEAR, MATMUL, MAX_POOL2D_FORWARD, UNARY},
        op::{
            Call, Op, Role,
            activations::{EXPONENTIAL, SIGMOID},
        },
        prove::regimes,
    };

    #[test]
    fn an_operation_takes_the_regimes_of_its_roles() {
        let of = |op: &Op| {
            regimes(op, &op.shader(op.variant("naive").expect("naive"), &SIGMOID).expect("composes"))
        };
        assert_eq!(of(&MAX_POOL2D_FORWARD), Regime::ALL);
        assert_eq!(of(&MATMUL), Regime::ALL[..10]);
        assert_eq!(of(&ACTIVATION_GRAD), Regime::ALL[..10]);
        assert_eq!(of(&CLEAR), [Regime::Small], "it reads no numbers");
    }

    #[test]
    fn what_is_drawn_keeps_to_its_role() {
        let unary =
            Call::new(&UNARY, &[("COUNT", 1), ("FUNCTION", 3)]).with("A", 2.0).activated(&EXPONENTIAL);
        let above = Role::Above { bound: "A".into(), size: "FUNCTION".into(), values: vec![2, 3] };
        for regime in Regime::ALL {
            let draw = Draw { regime, own: 5, call: &unary };
            let all = |role: &Role| (0..2000).map(|v| draw.number(role, split_mix(v))).collect::<Vec<_>>();
            let within = |role: Role, low: f64, high: f64| {
                let drawn = all(&role);
                assert!(drawn.iter().all(|v| (low..=high).contains(v)), "{role:?} with {regime}");
                assert!(drawn.iter().all(|v| f64::from(*v as f32) == *v), "{role:?} with {regime}: no f32");
            };
            within(Role::Real, -f64::from(f32::MAX), f64::from(f32::MAX));
            within(Role::Positive, 0.0, f64::from(f32::MAX));
            within(Role::Share, 0.0, 1.0);
            within(Role::Again, 0.0, 1e9);
            within(Role::Activated, 0.0, 1.0001e12);
            within(Role::Argument, -20.0, 20.0);
            within(above.clone(), -1.875, f64::from(f32::MAX));
        }
        let draw = |regime| Draw { regime, own: 5, call: &unary };
        let real = |regime, v| draw(regime).number(&Role::Real, split_mix(v));
        assert!((0..2000).any(|v| real(Regime::Zeros, v).to_bits() == (-0.0f64).to_bits()));
        assert!((0..2000).any(|v| real(Regime::Tiny, v).abs() < 1e-39 && real(Regime::Tiny, v) != 0.0));
        assert!((0..2000).any(|v| real(Regime::Thousands, v).abs() > 9e3));
    }
}
