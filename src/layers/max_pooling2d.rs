//! Max pooling over windows of (height, width).

use super::{
    Padding, Pair, Place, Rules,
    window::{self, axes},
};
use crate::{
    kernels::{MAX_POOL2D_FORWARD, MAX_POOL2D_GRAD},
    op::Call,
    program::{Builder, ValueId},
};

/// `MaxPooling2D(pool_size=2, strides=pool_size, padding="valid")`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling2D {
    /// Height and width of the window.
    #[serde(default = "window::two")]
    pub pool_size: Pair,
    /// Step of the window; `pool_size` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Pair>,
    /// `valid` or `same`; padding is never the maximum.
    #[serde(default)]
    pub padding: Padding,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl MaxPooling2D {
    /// Creates a layer whose windows do not overlap.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { pool_size: pool_size.into(), strides: None, padding: Padding::Valid, name: None }
    }

    fn stride(&self) -> Pair {
        self.strides.unwrap_or(self.pool_size)
    }

    fn call(&self, op: &'static crate::op::Op, b: &Builder, place: &Place) -> Call {
        let mut sizes = window::sizes(b, place, self.pool_size, self.stride(), self.padding);
        sizes.extend([("C", place.input[2]), ("PH", self.pool_size.0), ("PW", self.pool_size.1)]);
        Call::new(op, &sizes)
    }
}

impl Rules for MaxPooling2D {
    fn slug(&self) -> &'static str {
        "max_pooling2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [y, x] = axes("pool_size", input, self.pool_size, self.stride(), self.padding)?;
        Ok(vec![y.out, x.out, input[2]])
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let argmax = b.batched(&format!("{} argmax", place.name), &place.output);
        let call = self.call(&MAX_POOL2D_FORWARD, b, place);
        b.call(&place.name, call, &[("y", y), ("argmax", argmax), ("x", place.x)]);
        place.saved = vec![argmax];
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = self.call(&MAX_POOL2D_GRAD, b, place).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("argmax", place.saved[0]), ("x", place.x)]);
            dx
        })
    }
}
