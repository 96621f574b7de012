//! Average pooling over windows of (height, width).

use super::{
    Padding, Pair, Place, Rules,
    window::{self, axes},
};
use crate::{
    kernels::{AVERAGE_POOL2D_FORWARD, AVERAGE_POOL2D_GRAD},
    op::Call,
    program::{Builder, ValueId},
};

/// `AveragePooling2D(pool_size=2, strides=pool_size, padding="valid")`. The mean ignores padding, as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling2D {
    /// Height and width of the window.
    #[serde(default = "window::two")]
    pub pool_size: Pair,
    /// Step of the window; `pool_size` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Pair>,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AveragePooling2D {
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

impl Rules for AveragePooling2D {
    fn slug(&self) -> &'static str {
        "average_pooling2d"
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
        b.call(&place.name, self.call(&AVERAGE_POOL2D_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = self.call(&AVERAGE_POOL2D_GRAD, b, place).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
            dx
        })
    }
}
