//! Inputs and outputs of a CPU twin, the definition of an operation in f64. Each output comes with the distance that
//! rounding in f32 may cause. The twins themselves are in [`crate::reference`].

use super::{Activation, At, Element, Sizes};
use crate::feed::{Batch, Step};
use std::collections::BTreeMap;

/// Every buffer that a twin writes: its name in the interface, and its contents.
pub type Outputs = Vec<(&'static str, Expected)>;

/// Relative rounding error of one operation: half the distance between 1 and the next f32.
pub const EPSILON: f64 = f32::EPSILON as f64 / 2.0;

/// The smallest normal f32: smaller values may count as zero.
pub const SUBNORMAL: f64 = f32::MIN_POSITIVE as f64;

/// Number of roundings from which an activation is known to take exp, log or tanh.
const EXP: f64 = 24.0;

/// Returns `value` as seen by a device that flushes subnormal numbers to zero.
pub fn flushed(value: f64) -> f64 {
    if value.abs() < SUBNORMAL { 0.0 } else { value }
}

/// Host copy of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Elements of an `f32` buffer.
    Real(Vec<f64>),
    /// Elements of a `u32` buffer.
    Index(Vec<u32>),
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Index(words) => words.len(),
        }
    }

    /// Returns true if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Real numbers rounded to half precision, ties to even; indices unchanged.
    pub fn halved(&self) -> Self {
        match self {
            Self::Real(values) => {
                Self::Real(values.iter().map(|v| half::f16::from_f64(*v).to_f64()).collect())
            }
            Self::Index(_) => self.clone(),
        }
    }
}

/// Expected contents of one output buffer of an operation.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Each value, with the distance from it that a correct f32 kernel may have.
    Real(Vec<Sum>),
    /// Each integer, exactly.
    Index(Vec<u32>),
    /// Each integer, or its alternative if subnormal numbers count as zeros.
    Place(Vec<[u32; 2]>),
}

/// Reason why a reference kernel gives no expected outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// It is wrong: its outputs depend on the order of threads, or on memory beyond a buffer, or are incomplete.
    Fault(String),
    /// The host cannot compute it.
    NotInterpreted(String),
    /// These inputs have no number as a result.
    NoNumber(String),
}

impl Element {
    /// The words of a buffer that holds `data`. Signed integers are in [`Data::Real`], as f64 holds them exactly.
    pub fn words(self, data: &Data) -> Vec<u32> {
        match (data, self) {
            (Data::Index(words), _) => words.clone(),
            (Data::Real(values), Self::I32) => values.iter().map(|v| *v as i32 as u32).collect(),
            (Data::Real(values), _) => values.iter().map(|v| (*v as f32).to_bits()).collect(),
        }
    }

    /// The contents of a buffer of these words.
    pub fn data(self, words: &[u32]) -> Data {
        match self {
            Self::F32 => Data::Real(words.iter().map(|word| f64::from(f32::from_bits(*word))).collect()),
            Self::U32 => Data::Index(words.to_vec()),
            Self::I32 => Data::Real(words.iter().map(|word| f64::from(*word as i32)).collect()),
        }
    }

    /// Integers that are expected exactly.
    pub fn exactly(self, words: Vec<u32>) -> Expected {
        match self.data(&words) {
            Data::Real(values) => Expected::Real(values.into_iter().map(Sum::exact).collect()),
            Data::Index(words) => Expected::Index(words),
        }
    }
}

/// Inputs of a twin: the sizes, the buffers by name, the feed.
pub struct Inputs<'a> {
    /// Overrides by name.
    pub sizes: &'a Sizes,
    /// Buffers by name; those that are updated in place hold their previous contents.
    pub buffers: BTreeMap<&'a str, &'a Data>,
    /// The composed activation.
    pub activation: &'static Activation,
    /// The feed of this step.
    pub step: Step,
    /// Images and labels of the chunk.
    pub batch: &'a Batch,
}

impl Inputs<'_> {
    /// A size by name. Sizes come from the operation's own interface, so a missing one is a bug in the twin; it reads
    /// as zero and the comparison fails.
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

    /// An `f32` buffer by name; empty if it is not bound.
    pub fn real(&self, name: &str) -> &[f64] {
        match self.buffers.get(name) {
            Some(Data::Real(values)) => values,
            _ => &[],
        }
    }

    /// A `u32` buffer by name; empty if it is not bound.
    pub fn indices(&self, name: &str) -> &[u32] {
        match self.buffers.get(name) {
            Some(Data::Index(values)) => values,
            _ => &[],
        }
    }
}

/// A sum in f64 with the error bound of the same sum in f32.
///
/// The bound is ε · √terms · Σ|terms|, the expected growth of rounding errors (Higham, "Accuracy and Stability of
/// Numerical Algorithms", §2.8). It is not a share of the result, because a correct sum that cancels has a large
/// relative error. Errors of similar terms are no random walk: each is rounded in the same direction. So a correct sum
/// may also be off by a few times the error of the plainest one, term after term in f32. If one number is added
/// repeatedly, it may be off by ε · terms · Σ|terms|, the bound of any order (ibid., §4.2). A device may flush
/// subnormal numbers to zero, before and after an operation; the bound allows for that too, and for no more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The value.
    pub value: f64,
    magnitude: f64,
    terms: f64,
    extra: f64,
    /// The last term added, and how many terms equalled their predecessor.
    last: f64,
    repeated: f64,
    /// The plainest sum in f32, and its largest error so far.
    plainest: f32,
    strayed: f64,
}

impl Sum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that f32 holds to within a few roundings.
    pub fn of(value: f64) -> Self {
        Self { value, magnitude: value.abs(), terms: 1.0, plainest: value as f32, ..Self::default() }
    }

    /// A value that is exact in f32: copied, selected or counted.
    pub fn exact(value: f64) -> Self {
        Self { value, ..Self::default() }
    }

    /// A value with an explicit bound.
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
        // NaN if f32 cannot hold the sum.
        self.strayed = self.strayed.max((f64::from(self.plainest) - self.value).abs());
    }

    /// The distance from the value that a correct f32 result may have.
    pub fn allowed(&self) -> f64 {
        /// Allowance for summation orders other than the plainest, which round differently.
        const OTHER_ORDERS: f64 = 4.0;
        // Two: one rounding for the product, one for the sum.
        let growth = (2.0 * self.terms.sqrt()).max(self.repeated);
        let roundings = EPSILON * growth * self.magnitude;
        let alike = OTHER_ORDERS * self.strayed.min(EPSILON * self.terms * self.magnitude);
        roundings.max(alike) + self.extra + self.flushed()
    }

    /// The error if subnormal numbers are flushed to zero.
    fn flushed(&self) -> f64 {
        // Each term and each partial sum may be subnormal. A value with an explicit bound took a few operations.
        let terms = if self.magnitude > 0.0 { 2.0 * self.terms } else { 0.0 };
        let few = if self.extra > 0.0 { 8.0 } else { 0.0 };
        SUBNORMAL * (terms + few) + (self.value - flushed(self.value)).abs()
    }

    /// Increases the bound by `by`.
    pub fn widen(mut self, by: f64) -> Self {
        self.extra += by;
        self
    }

    /// The sum times a factor that is itself correct to a rounding.
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

    /// The sum times an activation's derivative, a function of `at`: of the output y, or of the input x. 1 - y² and
    /// y · (1 - y) are correct to a rounding of one, not of themselves.
    pub fn sloped(self, activation: &Activation, at: f64) -> Self {
        let slope = (activation.grad)(at);
        let rounding = activation.roundings[1] * EPSILON * slope.abs().max(1.0) * at.abs().max(1.0);
        // If `at` is subnormal, the derivative may be that at zero.
        let step = ((activation.grad)(flushed(at)) - slope).abs();
        self.times(slope).widen((rounding + step) * self.value.abs())
    }

    /// The sum through an activation: the activation carries the error of its argument to the result.
    pub fn through(self, activation: &Activation) -> Self {
        /// Far beyond f32, yet finite, so that differences of such values are numbers.
        const HUGE: f64 = 1e60;
        let f = |x: f64| (activation.value)(x).clamp(-HUGE, HUGE);
        let value = f(self.value);
        let (x, roundings) = (self.value, activation.roundings[0]);
        // exp multiplies its argument by a number, which rounds: Vulkan allows 2|x| units in the last place.
        let argument = if roundings >= EXP { 4.0 * EPSILON * x.abs() } else { 0.0 };
        let off = self.allowed() + argument;
        let carried = [x - off, x + off].map(|x| (f(x) - value).abs());
        // x times a factor that is correct to a rounding of one.
        let size = if activation.at == At::Input { x.abs().max(1.0) } else { 1.0 };
        let own = roundings * EPSILON * size.max(value.abs());
        Self::within(value, carried[0].max(carried[1]) + own)
    }
}

/// The expected values, without the bounds.
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

    /// The plain sum in f32 over `lanes` partial sums, which are added at the end.
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
            // Never more than the error of any order of the terms.
            assert!(right.allowed() <= 4.01 * EPSILON * 8000.0 * right.value, "{name}");
            let part = sum(&terms[..7900]);
            assert!((part.value - right.value).abs() > right.allowed(), "{name}: terms are left out");
        }
        let few = sum(&[0.5, 0.25, 0.125]);
        assert!((few.allowed() - 2.0 * EPSILON * 3f64.sqrt() * few.value).abs() < 1e-20, "{few:?}");
    }
}
