//! What a kernel computes, on the host: WGSL compute shaders in f64, with how far a right f32 kernel may be from it.
//!
//! Any reference kernel (a `naive.wgsl`) so defines what the other variants must compute, without a twin written by hand.
//! It takes what naga has made of the text, with its overrides resolved, and the words of the buffers; it gives the
//! value of each number that is written, and an allowed error.
//!
//! # Numbers
//! Floats are computed in f64 and not rounded, those of type f16 neither. Each carries a bound of the rounding errors that a
//! right implementation may make *in any order of summation*: n · ε · Σ|terms| for a sum of n terms, ε · |a · b| and
//! what the factors are off for a product, and for every other operation and function the accuracy that WGSL asks for
//! ("Floating Point Accuracy", <https://www.w3.org/TR/WGSL/#floating-point-accuracy>), with ε = 2⁻²⁴ (2⁻¹¹ for
//! f16). The whole is doubled: WGSL leaves the direction of rounding to the device, and a kernel may take a product apart.
//! A number that every device has to the last digit, such as a count, is known to be exact. Subnormal numbers may
//! count as zeros. What overflows in f32 goes on in f64, as mathematics has it: a kernel is compared with
//! what it should have computed, and an infinity of a device is right only where the value is beyond f32.
//! Integers are exact.
//!
//! A comparison, a conversion to an integer or the bits of a float that rounding may turn is a *doubt*. Where floats are
//! selected by one, both are right, and the bound holds both; so it does for `floor` and `sign`. Everything else that
//! depends on one, a branch, an index, an integer in a buffer, is refused: such a reference defines nothing.
//!
//! # What is refused
//! Every refusal says in words what and in which line. Subgroups and textures, for their size and filter are the
//! device's; numbers of 64 bits; f16 in buffers; indices beyond the end; barriers that not all invocations of a
//! workgroup reach; data races: two invocations that touch a word without a barrier between them, one of them
//! writing, and atomic operations whose result depends on the order of invocations; more than [`Limits`](crate::interpret::Limits).
//!
//! No text makes it panic, and memory and time are bounded.

/// Instructions and cells.
mod code;
/// Functions.
mod compile;
/// Workgroups, one after the other.
mod dispatch;
/// Integers and truth values that rounding may turn.
mod doubts;
/// Expressions.
mod expressions;
/// Builtin functions of floats.
mod functions;
/// Builtin functions of integers.
mod integers;
/// Types in cells and words.
mod layout;
/// One invocation.
mod machine;
/// Buffers and workgroup memory.
mod memory;
/// Floats with bounds.
mod real;
/// Operations on one component.
mod scalar;
/// Statements.
mod statements;
/// Operations on vectors and matrices.
mod whole;

#[cfg(test)]
mod tests;

use naga::{Module, valid::ModuleInfo};
use std::{collections::BTreeMap, fmt};
use wgrad::op::twin::{Expected, Sum};

pub use dispatch::run;

/// A compute shader that naga has read and validated, and whose overrides are resolved
/// ([`naga::back::pipeline_constants::process_overrides`]).
#[derive(Clone, Copy)]
pub struct Kernel<'a> {
    /// What naga made of the text.
    pub module: &'a Module,
    /// What its validator says of it.
    pub info: &'a ModuleInfo,
    /// The entry point's name.
    pub entry: &'a str,
    /// The text, for the lines of refusals.
    pub text: &'a str,
}

/// Buffers by `@group` and `@binding`, in words of 32 bits as they are on a device.
pub type Buffers = BTreeMap<(u32, u32), Vec<u32>>;

/// What one word of a buffer holds behind the dispatch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element {
    /// The word that was there: the kernel does not write it.
    Untouched(u32),
    /// An integer, by its bits: exactly that.
    Integer(u32),
    /// A float, and how far from it a right f32 kernel may be. Beyond what f32 holds, right is the infinity of its sign.
    Real {
        /// The value in f64; not a number where the reference computes none.
        value: f64,
        /// The largest absolute error; infinite where rounding leaves nothing certain.
        allowed: f64,
    },
}

/// The buffers that are written, by `@group` and `@binding`: word by word.
pub type Outputs = BTreeMap<(u32, u32), Vec<Element>>;

/// How much one dispatch may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Operations of all invocations: some 20 to 50 million take a second.
    pub operations: u64,
    /// Words of all buffers.
    pub words: u64,
    /// Scalars in memory of a workgroup and of its invocations, and words of buffers that are written. Each takes about
    /// 100 bytes on the host.
    pub cells: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations: 1 << 30, words: 1 << 26, cells: 1 << 22 }
    }
}

/// Why a kernel is no reference, or cannot be interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the text, from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// Ends of messages about kernels that are wrong.
const ORDER: &str = "their order decides";
const BEYOND: &str = "is beyond";
const REACH: &str = "all must reach";

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }

    /// True if the kernel itself is wrong, whoever computes it: its results depend on the order of invocations or on memory
    /// beyond a buffer, or not all invocations reach a barrier.
    pub fn is_fault(&self) -> bool {
        [ORDER, BEYOND, REACH].iter().any(|fault| self.message.contains(fault))
    }

    /// The same in a line, where it has none.
    fn at(mut self, line: Option<u32>) -> Self {
        self.line = self.line.or(line);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Refusal {}

/// A buffer of floats as a comparison takes it. What is not written must stay as it is.
pub fn real(elements: &[Element]) -> Expected {
    let sum = |element: &Element| match *element {
        Element::Real { value, allowed } => Sum::within(value, allowed),
        Element::Untouched(bits) | Element::Integer(bits) => Sum::exact(f64::from(f32::from_bits(bits))),
    };
    Expected::Real(elements.iter().map(sum).collect())
}

/// A buffer of integers as a comparison takes it; `None` where floats are in it.
pub fn index(elements: &[Element]) -> Option<Expected> {
    let word = |element: &Element| match *element {
        Element::Untouched(word) | Element::Integer(word) => Some(word),
        Element::Real { .. } => None,
    };
    elements.iter().map(word).collect::<Option<_>>().map(Expected::Index)
}
