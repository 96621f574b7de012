//! One of several inputs of a network: a part of the values that it takes, in a shape of its own.

use super::{Place, Rules};
use crate::{
    kernels::{PAD2D_FORWARD, SLICE_COLUMNS},
    op::Call,
    program::{Builder, ValueId},
};
use std::ops::Range;

/// `InputLayer(shape, first=0)`: the values of the network's input from number `first` on, as an input of this shape.
/// The network's input is then a row, (1, 1, values), of all its inputs one after the other.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputLayer {
    /// Shape of the input, without the batch.
    pub shape: Vec<usize>,
    /// Number of values of the inputs before it.
    #[serde(default)]
    pub first: usize,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl InputLayer {
    /// Creates an input of this shape behind `first` values of other inputs.
    pub fn new(shape: &[usize], first: usize) -> Self {
        Self { shape: shape.to_vec(), first, name: None }
    }

    /// The values of the network's input that belong to it.
    pub fn values(&self) -> Range<usize> {
        self.first..self.first.saturating_add(self.shape.iter().product())
    }
}

impl Rules for InputLayer {
    fn slug(&self) -> &'static str {
        "input_layer"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [1, 1, total] = *input else {
            return Err(format!(
                "the network's input has shape {input:?}; a network of several inputs takes a row of all their values, \
                 input_shape = [VALUES]"
            ));
        };
        crate::program::counted(&self.shape)?;
        let Range { start, end } = self.values();
        if start == end {
            return Err(format!("its shape is {:?}; every axis needs at least 1", self.shape));
        }
        if end > total {
            return Err(format!(
                "it takes the values from {start} to {}, and the network's input has {total}; its shape and those of the \
                 inputs before it make the input's length",
                end - 1
            ));
        }
        Ok(self.shape.clone())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let Range { start, end } = self.values();
        let total: usize = place.input.iter().product();
        if (start, end) == (0, total) {
            return place.x;
        }
        let (y, zeros) = (b.batched(&place.name, &place.output), b.zeros(&place.output));
        let sizes = [("ROWS", b.batch()), ("WIDTH", total), ("FROM", start), ("COUNT", end - start)];
        b.call(&place.name, Call::new(&SLICE_COLUMNS, &sizes), &[("dx", y), ("dy", place.x), ("x", zeros)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let Range { start, end } = self.values();
        let total: usize = place.input.iter().product();
        if !wanted || (start, end) == (0, total) {
            return wanted.then_some(dy);
        }
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        // Zeros before and behind a column of the values.
        let sizes = [
            ("N", b.batch()),
            ("H", end - start),
            ("W", 1),
            ("C", 1),
            ("OH", total),
            ("OW", 1),
            ("PT", start),
            ("PL", 0),
        ];
        b.call(&place.name, Call::new(&PAD2D_FORWARD, &sizes), &[("y", dx), ("x", dy)]);
        Some(dx)
    }
}
