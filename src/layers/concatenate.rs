//! Concatenation of several layers along the last axis.

use super::{MaskRule, Place, Rules, matrix};
use crate::{
    kernels::{CONCATENATE, SLICE_COLUMNS},
    op::Call,
    program::{Builder, ValueId},
};

/// `Concatenate(axis=-1)`: joins two or more inputs along the last axis (of images, the channels).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {
    /// Axis to join; only -1, the last, is supported.
    #[serde(default = "last")]
    pub axis: i64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn last() -> i64 {
    -1
}

impl Default for Concatenate {
    fn default() -> Self {
        Self { axis: last(), name: None }
    }
}

impl Concatenate {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rules for Concatenate {
    fn slug(&self) -> &'static str {
        "concatenate"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn joins(&self) -> bool {
        true
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Joins
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.joined_shape(&[input.to_vec()])
    }

    fn joined_shape(&self, inputs: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        let (Some(first), true) = (inputs.first(), inputs.len() > 1) else {
            let got = inputs.len();
            return Err(format!(
                "it joins two or more inputs, got {got}; name them: inputs = [\"a\", \"b\"]"
            ));
        };
        // Keras counts the batch axis: the last of three axes has index 3.
        if self.axis != -1 && self.axis != first.len() as i64 {
            return Err(format!("axis is {}; only the last, -1, can be joined", self.axis));
        }
        let leading = |shape: &[usize]| shape[..shape.len().saturating_sub(1)].to_vec();
        if let Some(other) = inputs.iter().find(|shape| leading(shape) != leading(first)) {
            return Err(format!("its inputs may differ in the last axis only, got {first:?} and {other:?}"));
        }
        let width = inputs.iter().filter_map(|shape| shape.last()).sum();
        Ok([leading(first), vec![width]].concat())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let (rows, mut width) = matrix(&place.input);
        let mut joined = place.x;
        for (next, shape) in place.inputs.iter().skip(1) {
            let (_, more) = matrix(shape);
            let mut shape = shape.clone();
            if let Some(last) = shape.last_mut() {
                *last = width + more;
            }
            let y = b.batched(&place.name, &shape);
            let sizes = [("ROWS", b.batch() * rows), ("A", width), ("B", more)];
            b.call(&place.name, Call::new(&CONCATENATE, &sizes), &[("y", y), ("a", joined), ("b", *next)]);
            (joined, width) = (y, width + more);
        }
        joined
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.backward_all(b, place, dy, &[wanted]).into_iter().next().flatten()
    }

    fn backward_all(
        &self,
        b: &mut Builder,
        place: &Place,
        dy: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let (rows, total) = matrix(&place.output);
        let mut from = 0;
        let mut gradients = Vec::new();
        for ((x, shape), wanted) in place.inputs.iter().zip(wanted) {
            let (_, width) = matrix(shape);
            gradients.push(wanted.then(|| {
                let dx = b.batched(&format!("d {} input", place.name), shape);
                let sizes = [("ROWS", b.batch() * rows), ("WIDTH", total), ("FROM", from), ("COUNT", width)];
                let call = Call::new(&SLICE_COLUMNS, &sizes).activated(b.fused(*x));
                b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", *x)]);
                dx
            }));
            from += width;
        }
        gradients
    }
}
