//! What a twin is given and what it gives: the definition of an operation in f64, with how far rounding in f32 may take a
//! kernel from it. The twins themselves are in [`crate::reference`].

use super::{Activation, At, Sizes};
use crate::feed::{Batch, Step};
use std::collections::BTreeMap;

/// Every buffer that a twin writes: its name in the interface, and its content.
pub type Outputs = Vec<(&'static str, Expected)>;

/// Half the distance between 1 and the next f32: the rounding error of one operation, relative.
pub const EPSILON: f64 = f32::EPSILON as f64 / 2.0;

/// The smallest number that f32 holds with all its digits: what is smaller may count as zero.
pub const SUBNORMAL: f64 = f32::MIN_POSITIVE as f64;

/// From so many roundings on an activation takes exp, log or tanh.
const EXP: f64 = 24.0;

/// `value` as a device sees it that takes subnormal numbers for zeros.
pub fn flushed(value: f64) -> f64 {
    if value.abs() < SUBNORMAL { 0.0 } else { value }
}

/// The host's copy of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Elements of an `f32` buffer.
    Real(Vec<f64>),
    /// Elements of a `u32` buffer.
    Index(Vec<u32>),
}

impl Data {
    /// How many elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Index(words) => words.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Real numbers rounded to half precision, ties to even; indices as they are.
    pub fn halved(&self) -> Self {
        match self {
            Self::Real(values) => {
                Self::Real(values.iter().map(|v| half::f16::from_f64(*v).to_f64()).collect())
            }
            Self::Index(_) => self.clone(),
        }
    }
}

/// What an operation should have written to one of its buffers.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Each value, and how far from it a right f32 kernel may be.
    Real(Vec<Sum>),
    /// Each integer, exactly.
    Index(Vec<u32>),
    /// Each integer, or the second one: what it is where subnormal numbers count as zeros.
    Place(Vec<[u32; 2]>),
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
/// not a share of the result, since a right sum that cancels has a large relative error. Errors of terms that are alike
/// are no random walk, each is rounded the same way. So a right sum may also be off by a few times what the plainest one
/// is, term after term in f32; and where one number is added again and again, by ε · terms · Σ|terms|, the bound of any order
/// (ibid., §4.2). A device may take subnormal numbers for zeros, before an operation and behind it: that is allowed
/// too, and no more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The value.
    pub value: f64,
    magnitude: f64,
    terms: f64,
    extra: f64,
    /// The term added last, and how many were the one before them again.
    last: f64,
    repeated: f64,
    /// The plainest sum in f32, and how far off it was at most on its way.
    plainest: f32,
    strayed: f64,
}

impl Sum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that f32 holds up to a few roundings of itself.
    pub fn of(value: f64) -> Self {
        Self { value, magnitude: value.abs(), terms: 1.0, plainest: value as f32, ..Self::default() }
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
        // Adding zero rounds nothing.
        self.repeated += f64::from(u8::from(term == self.last && term != 0.0));
        self.last = term;
        self.plainest = (f64::from(self.plainest) + term) as f32;
        // Not a number where f32 does not hold the sum.
        self.strayed = self.strayed.max((f64::from(self.plainest) - self.value).abs());
    }

    /// How far a right f32 result may be from the value.
    pub fn allowed(&self) -> f64 {
        /// Another order of the terms than the plainest meets other roundings.
        const OTHER_ORDERS: f64 = 4.0;
        // Two: one rounding for the product, one for the sum.
        let growth = (2.0 * self.terms.sqrt()).max(self.repeated);
        let roundings = EPSILON * growth * self.magnitude;
        let alike = OTHER_ORDERS * self.strayed.min(EPSILON * self.terms * self.magnitude);
        roundings.max(alike) + self.extra + self.flushed()
    }

    /// How far off the result is where subnormal numbers count as zeros.
    fn flushed(&self) -> f64 {
        // Each term and each sum so far may be one. What has a bound of its own was computed in a few operations.
        let terms = if self.magnitude > 0.0 { 2.0 * self.terms } else { 0.0 };
        let few = if self.extra > 0.0 { 8.0 } else { 0.0 };
        SUBNORMAL * (terms + few) + (self.value - flushed(self.value)).abs()
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
            strayed: self.strayed * factor.abs(),
            extra: (self.extra + self.flushed()) * factor.abs() + 2.0 * EPSILON * value.abs(),
            ..self
        }
    }

    /// The sum times an activation's slope, a function of `at`: of the output y, or of the input x. 1 - y² and
    /// y · (1 - y) are right to a rounding of one, not of themselves.
    pub fn sloped(self, activation: &Activation, at: f64) -> Self {
        let slope = (activation.grad)(at);
        let rounding = activation.roundings[1] * EPSILON * slope.abs().max(1.0) * at.abs().max(1.0);
        // Where `at` is subnormal, the slope may be that at zero.
        let step = ((activation.grad)(flushed(at)) - slope).abs();
        self.times(slope).widen((rounding + step) * self.value.abs())
    }

    /// The sum through an activation: how far off it may be before, it is off behind as far as the activation
    /// carries it.
    pub fn through(self, activation: &Activation) -> Self {
        /// Far beyond f32, and finite: differences of such values are numbers.
        const HUGE: f64 = 1e60;
        let f = |x: f64| (activation.value)(x).clamp(-HUGE, HUGE);
        let value = f(self.value);
        let (x, roundings) = (self.value, activation.roundings[0]);
        // exp takes its argument times a number, which rounds: Vulkan allows 2|x| units in the last place.
        let argument = if roundings >= EXP { 4.0 * EPSILON * x.abs() } else { 0.0 };
        let off = self.allowed() + argument;
        let carried = [x - off, x + off].map(|x| (f(x) - value).abs());
        // x times something that is right to a rounding of one.
        let size = if activation.at == At::Input { x.abs().max(1.0) } else { 1.0 };
        let own = roundings * EPSILON * size.max(value.abs());
        Self::within(value, carried[0].max(carried[1]) + own)
    }
}

/// The values of an expectation, without the bounds.
pub fn values(expected: Expected) -> Data {
    match expected {
        Expected::Real(sums) => Data::Real(sums.into_iter().map(|s| s.value).collect()),
        Expected::Index(values) => Data::Index(values),
        Expected::Place(places) => Data::Index(places.into_iter().map(|[place, _]| place).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::{EPSILON, Sum};

    fn sum(terms: &[f64]) -> Sum {
        let mut sum = Sum::new();
        terms.iter().for_each(|term| sum.add(*term));
        sum
    }

    /// The plain sum in f32, by `lanes` that are added at the end.
    fn plain(terms: &[f64], lanes: usize) -> f64 {
        let lane =
            |n: usize| terms.iter().skip(n).step_by(lanes).fold(0.0f32, |sum, term| sum + *term as f32);
        f64::from((0..lanes).map(lane).sum::<f32>())
    }

    #[test]
    fn a_right_sum_of_many_terms_is_within_its_bound_and_one_without_a_term_is_not() {
        let random = |n: usize| f64::from((crate::feed::split_mix(n as u64) >> 40) as f32 / 16_777_216.0);
        let kinds: [(&str, Vec<f64>); 3] = [
            ("random", (0..8000).map(random).collect()),
            ("equal", vec![f64::from(0.3f32); 8000]),
            (
                "drawn from four",
                (0..8000).map(|n| f64::from([0.3f32, 0.7, 0.1, 2.9][(random(n) * 4.0) as usize])).collect(),
            ),
        ];
        for (name, terms) in kinds {
            let right = sum(&terms);
            for lanes in [1, 2, 4, 8, 64] {
                let off = (plain(&terms, lanes) - right.value).abs();
                assert!(off <= right.allowed(), "{name}, {lanes} lanes: {off:e} of {:e}", right.allowed());
            }
            // Never more than any order of the terms may be off.
            assert!(right.allowed() <= 4.01 * EPSILON * 8000.0 * right.value, "{name}");
            let part = sum(&terms[..7900]);
            assert!((part.value - right.value).abs() > right.allowed(), "{name}: terms are left out");
        }
        let few = sum(&[0.5, 0.25, 0.125]);
        assert!((few.allowed() - 2.0 * EPSILON * 3f64.sqrt() * few.value).abs() < 1e-20, "{few:?}");
    }
}
