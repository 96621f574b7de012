//! y = scale · x + offset, with constants.

use super::{
    MaskRule, Place, Rules,
    channel_affine::{self, Numbers},
};
use crate::{
    op::activations::LINEAR,
    program::{Builder, ValueId},
};

/// `Rescaling(scale, offset=0)`: y = scale · x + offset. Each is one number, or one for each channel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// Factor of the input.
    pub scale: Numbers,
    /// Added to the product.
    #[serde(default = "zero", skip_serializing_if = "is_zero")]
    pub offset: Numbers,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn zero() -> Numbers {
    Numbers::One(0.0)
}

fn is_zero(offset: &Numbers) -> bool {
    *offset == zero()
}

impl Rescaling {
    /// Creates a layer that multiplies by `scale`.
    pub fn new(scale: f64) -> Self {
        Self { scale: Numbers::One(scale), offset: zero(), name: None }
    }

    /// Scale and offset of each channel.
    ///
    /// # Errors
    /// Says which argument does not fit.
    pub fn numbers(&self, channels: usize) -> Result<[Vec<f32>; 2], String> {
        let [scale, offset] = [("scale", &self.scale), ("offset", &self.offset)];
        Ok([
            channel_affine::each(scale.0, scale.1, channels)?,
            channel_affine::each(offset.0, offset.1, channels)?,
        ])
    }
}

impl Rules for Rescaling {
    fn slug(&self) -> &'static str {
        "rescaling"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let channels = input.last().ok_or("its input has no axis; it takes at least one")?;
        self.numbers(*channels)?;
        Ok(input.to_vec())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let channels = place.input.last().copied().unwrap_or(1);
        let [scale, offset] = self.numbers(channels).unwrap_or_default();
        let stats = channel_affine::constants(b, &place.name, &scale, &offset);
        channel_affine::apply(b, &place.name, (place.x, &place.name), &place.output, stats, &LINEAR)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let channels = place.input.last().copied().unwrap_or(1);
            let [scale, offset] = self.numbers(channels).unwrap_or_default();
            let name = format!("d {} input", place.name);
            let stats = channel_affine::constants(b, &name, &scale, &vec![0.0; offset.len()]);
            let dx = channel_affine::apply(b, &place.name, (dy, &name), &place.input, stats, &LINEAR);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}
