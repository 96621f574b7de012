//! A rectifier as a separate layer.

use super::{Place, Rules};
use crate::{
    kernels::{ACTIVATION_FORWARD, ACTIVATION_GRAD},
    op::{Call, Op, activations::RELU},
    program::{Builder, ValueId},
};

/// `Rectifier()`: y = max(x, 0).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rectifier {}

fn call(op: &'static Op, b: &Builder, place: &Place) -> Call {
    let count = b.batch() * place.input.iter().product::<usize>();
    Call::new(op, &[("COUNT", count)]).activated(&RELU)
}

impl Rules for Rectifier {
    fn slug(&self) -> &'static str {
        "rectifier"
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(input.to_vec())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, call(&ACTIVATION_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        place.saved = vec![y];
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let buffers = [("dx", dx), ("dy", dy), ("at", place.saved[0])];
            b.call(&place.name, call(&ACTIVATION_GRAD, b, place), &buffers);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}
