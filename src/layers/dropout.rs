//! Dropout: in training, sets a random share of the elements or of the channels to zero; in inference, does nothing.

use super::{Place, Rules};
use crate::{
    kernels::{DROPOUT_FORWARD, DROPOUT_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
    range::{SHARE, is_share},
};

/// `Dropout(rate)`: in training, each element is zero with probability `rate`, else divided by `1 - rate` (inverted
/// dropout, Srivastava et al. 2014). The random numbers depend only on seed, step, layer and element.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Share of the elements that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Dropout {
    /// Creates a layer that drops this share.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// The part that both dropout layers share: a rate, and whether it applies to whole channels.
struct Drop {
    rate: f64,
    channels: bool,
}

impl Drop {
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.channels && input.len() != 3 {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        }
        if is_share(self.rate) {
            Ok(input.to_vec())
        } else {
            Err(format!("rate is {}; expected {SHARE}", self.rate))
        }
    }

    fn active(&self, b: &Builder) -> bool {
        b.training() && self.rate > 0.0
    }

    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let count = b.batch() * place.input.iter().product::<usize>();
        let call = Call::new(op, &[("COUNT", count), ("STREAM", place.index)])
            .with("THRESHOLD", (self.rate * 2f64.powi(32)).floor())
            .with("SCALE", f64::from((1.0 / (1.0 - self.rate)) as f32));
        match place.input[..] {
            [h, w, c] if self.channels => call.with("SPATIAL", (h * w) as f64).with("C", c as f64),
            _ => call,
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

/// `SpatialDropout2D(rate)`: in training, each channel of an image is zero with probability `rate`, else divided by
/// `1 - rate` (Tompson et al. 2015).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout2D {
    /// Share of the channels that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SpatialDropout2D {
    /// Creates a layer that drops this share of the channels.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
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
        self.drop().shape(input)
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.drop().forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.drop().backward(b, place, dy, wanted)
    }
}

impl Dropout {
    fn drop(&self) -> Drop {
        Drop { rate: self.rate, channels: false }
    }
}

impl Rules for SpatialDropout2D {
    fn slug(&self) -> &'static str {
        "spatial_dropout2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.drop().shape(input)
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.drop().forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.drop().backward(b, place, dy, wanted)
    }
}

impl SpatialDropout2D {
    fn drop(&self) -> Drop {
        Drop { rate: self.rate, channels: true }
    }
}
