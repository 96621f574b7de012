//! Dropout: sets a random share of its input to zero while training, nothing otherwise.

use super::{Place, Rules};
use crate::{
    kernels::{DROPOUT_FORWARD, DROPOUT_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
};

/// `Dropout(rate)`: while training, each input is zero with probability `rate`, else divided by `1 - rate`
/// (Srivastava et al. 2014, inverted). The numbers depend on seed, step, layer and place alone.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The share that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Dropout {
    /// Drops this share.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }

    fn active(&self, b: &Builder) -> bool {
        b.training() && self.rate > 0.0
    }

    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let count = b.batch() * place.input.iter().product::<usize>();
        Call::new(op, &[("COUNT", count), ("STREAM", place.index)])
            .with("THRESHOLD", (self.rate * 2f64.powi(32)).floor())
            .with("SCALE", f64::from((1.0 / (1.0 - self.rate)) as f32))
    }
}

impl Rules for Dropout {
    fn slug(&self) -> &'static str {
        "dropout"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if (0.0..1.0).contains(&self.rate) {
            Ok(input.to_vec())
        } else {
            Err(format!("rate is {}; it must be at least 0 and below 1", self.rate))
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        if !self.active(b) {
            return place.x;
        }
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, self.call(&DROPOUT_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !self.active(b) || !wanted {
            return wanted.then_some(dy);
        }
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        let call = self.call(&DROPOUT_GRAD, b, place).activated(b.fused(place.x));
        b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
        Some(dx)
    }
}
