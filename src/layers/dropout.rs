//! Dropout: in training, sets a random share of the elements or of the channels to zero; in inference, does nothing.

use super::{MaskRule, Place, Rules, matrix};
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

/// The part that all dropout layers share: a rate, and the number of axes of the input if it applies to whole channels.
struct Drop {
    rate: f64,
    axes: Option<usize>,
}

impl Drop {
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.axes.is_some_and(|axes| input.len() != axes) {
            let taken = if self.axes == Some(3) { "(height, width, channels)" } else { "(time, features)" };
            return Err(format!("its input has shape {input:?}, it takes {taken}"));
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
        match (self.axes, matrix(&place.input)) {
            (Some(_), (places, channels)) => call.with("SPATIAL", places as f64).with("C", channels as f64),
            (None, _) => call,
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

/// `SpatialDropout1D(rate)`: in training, each feature of a sequence is zero with probability `rate`, else divided by
/// `1 - rate` (Tompson et al. 2015).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout1D {
    /// Share of the features that is dropped, in [0, 1).
    pub rate: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SpatialDropout1D {
    /// Creates a layer that drops this share of the features.
    pub fn new(rate: f64) -> Self {
        Self { rate, name: None }
    }
}

/// Implements `Rules` for a struct with a rate; `$axes` as in [`Drop`].
macro_rules! drops {
    ($layer:ident, $slug:literal, $axes:expr) => {
        impl $layer {
            fn drop(&self) -> Drop {
                Drop { rate: self.rate, axes: $axes }
            }
        }

        impl Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn mask_rule(&self) -> MaskRule {
                MaskRule::Passes
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
    };
}

drops!(Dropout, "dropout", None);
drops!(SpatialDropout2D, "spatial_dropout2d", Some(3));
drops!(SpatialDropout1D, "spatial_dropout1d", Some(2));
