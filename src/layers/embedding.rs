//! A table with a row for each word of a vocabulary.

use super::{MaskRule, Place, Rules, mask};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{EMBEDDING_FORWARD, EMBEDDING_GRAD, SORT_TOKENS, TOKEN_STARTS},
    op::Call,
    program::{Builder, ValueId},
};

/// `Embedding(input_dim, output_dim)`: each of the numbers 0, 1, ... of a sequence becomes a row of a table that is
/// learned, (time) to (time, output_dim). The gradient sorts the numbers first, so that each row of the table sums its
/// own in their order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Number of words: the numbers are below it.
    pub input_dim: usize,
    /// Length of a row.
    pub output_dim: usize,
    /// Initializer of the table.
    #[serde(default = "uniform", skip_serializing_if = "is_uniform")]
    pub embeddings_initializer: KernelInitializer,
    /// True if steps of the number 0, which pads shorter sequences, do not count in the layers behind that take masks.
    #[serde(default, skip_serializing_if = "super::recurrence::is_no")]
    pub mask_zero: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn uniform() -> KernelInitializer {
    KernelInitializer::Uniform
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_uniform(initializer: &KernelInitializer) -> bool {
    *initializer == uniform()
}

/// Bits of a digit by which a pass of the sort orders tokens.
const BITS: usize = 3;

impl Embedding {
    /// Creates a table of `input_dim` rows of `output_dim` numbers.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        Self { input_dim, output_dim, embeddings_initializer: uniform(), mask_zero: false, name: None }
    }

    /// Tokens of a batch.
    fn count(b: &Builder, place: &Place) -> usize {
        b.batch() * place.input.iter().product::<usize>()
    }

    /// The places of the tokens, sorted by the words that they stand for, and where those of each word begin.
    fn sorted(&self, b: &mut Builder, place: &Place) -> (ValueId, ValueId) {
        let (label, count) = (place.name.as_str(), Self::count(b, place));
        let mut keys = place.x;
        let mut order = b.indices(&format!("{label} places"), (0..count as u32).collect());
        let mut shift = 0;
        while shift == 0 || (self.input_dim - 1) >> shift > 0 {
            let sorted = b.temporary(&format!("{label} sorted"), vec![count]);
            let places = b.temporary(&format!("{label} order"), vec![count]);
            let call = Call::new(&SORT_TOKENS, &[("COUNT", count), ("SHIFT", shift)]);
            let buffers = [("sorted", sorted), ("places", places), ("keys", keys), ("order", order)];
            b.call(label, call, &buffers);
            (keys, order, shift) = (sorted, places, shift + BITS);
        }
        let starts = b.temporary(&format!("{label} starts"), vec![self.input_dim + 1]);
        let call = Call::new(&TOKEN_STARTS, &[("COUNT", count), ("WORDS", self.input_dim)]);
        b.call(label, call, &[("starts", starts), ("keys", keys)]);
        (order, starts)
    }
}

impl Rules for Embedding {
    fn slug(&self) -> &'static str {
        "embedding"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.input_dim == 0 || self.output_dim == 0 {
            let (words, units) = (self.input_dim, self.output_dim);
            return Err(format!("input_dim is {words} and output_dim {units}; each needs at least 1"));
        }
        if input.iter().filter(|axis| **axis > 1).count() > 1 {
            return Err(format!("its input has shape {input:?}, it takes (time): a row of whole numbers"));
        }
        Ok(vec![input.iter().product(), self.output_dim])
    }

    fn mask_rule(&self) -> MaskRule {
        if self.mask_zero { MaskRule::Makes } else { MaskRule::Drops }
    }

    fn parameters(&self, _input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let (words, units) = (self.input_dim, self.output_dim);
        vec![("embeddings", vec![words, units], self.embeddings_initializer.of([words, units], units))]
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        if self.mask_zero {
            place.saved = vec![mask::steps(b, &place.name, place.x, 1, 0.0)];
        }
        let w = b.parameter(place.parameters[0]);
        let y = b.batched(&place.name, &place.output);
        let sizes = [("COUNT", Self::count(b, place)), ("WORDS", self.input_dim), ("UNITS", self.output_dim)];
        b.call(&place.name, Call::new(&EMBEDDING_FORWARD, &sizes), &[("y", y), ("x", place.x), ("w", w)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, _wanted: bool) -> Option<ValueId> {
        if !place.frozen {
            let (order, starts) = self.sorted(b, place);
            let dw = b.gradient(place.parameters[0]);
            let sizes =
                [("COUNT", Self::count(b, place)), ("WORDS", self.input_dim), ("UNITS", self.output_dim)];
            let buffers = [("dw", dw), ("dy", dy), ("order", order), ("starts", starts)];
            b.call(&place.name, Call::new(&EMBEDDING_GRAD, &sizes), &buffers);
        }
        // Whole numbers have no gradient.
        None
    }
}
