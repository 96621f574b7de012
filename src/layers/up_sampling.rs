//! Upsampling: repeats the pixels of images and the steps of sequences. It is the gradient of a convolution of each
//! channel with ones, whose windows do not overlap; its own gradient is that convolution. Values between pixels are those
//! of `Resizing`.

use super::{
    Pair, Place, Rules,
    one_dimension::{by_plane, single, two},
    window,
};
use crate::{
    kernels::{GROUPED_CONV2D_FORWARD, GROUPED_CONV2D_GRAD_INPUT},
    op::{Call, Op},
    program::{Builder, ValueId},
};
use serde::{Deserialize, Serialize};

/// The value between pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// That of the nearest pixel.
    #[default]
    Nearest,
    /// That of the four pixels around it, by distance.
    Bilinear,
}

/// `UpSampling2D(size=2, interpolation="nearest")`: each pixel of (height, width, channels) becomes `size` pixels; with
/// "bilinear", values between pixels are means by distance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling2D {
    /// Rows and columns of each pixel.
    #[serde(default = "window::two")]
    pub size: Pair,
    /// The value between pixels.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `UpSampling1D(size=2)`: each step of (time, features) becomes `size` steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling1D {
    /// Repetitions of each step.
    #[serde(default = "two", deserialize_with = "single")]
    pub size: usize,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl UpSampling2D {
    /// Creates a layer that repeats each pixel.
    pub fn new(size: impl Into<Pair>) -> Self {
        Self { size: size.into(), interpolation: Interpolation::Nearest, name: None }
    }

    /// The call of a convolution whose output is this layer's input.
    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let ([oh, ow, c], [h, w, _]) =
            ([0, 1, 2].map(|n| place.input[n]), [0, 1, 2].map(|n| place.output[n]));
        let Pair(sh, sw) = self.size;
        let images = [("N", b.batch()), ("H", h), ("W", w), ("CI", c), ("OH", oh), ("OW", ow), ("CO", c)];
        let windows =
            [("KH", sh), ("KW", sw), ("SH", sh), ("SW", sw), ("DH", 1), ("DW", 1), ("PT", 0), ("PL", 0)];
        Call::new(op, &[&images[..], &windows[..], &[("CIG", 1), ("COG", 1)]].concat())
    }

    /// The kernel of that convolution, (height, width, 1, channels).
    pub(super) fn ones(&self, b: &mut Builder, place: &Place) -> ValueId {
        let count = self.size.0 * self.size.1 * place.input[2];
        b.constant(&format!("{} ones", place.name), vec![1.0; count])
    }
}

impl UpSampling1D {
    /// Creates a layer that repeats each step.
    pub fn new(size: usize) -> Self {
        Self { size, name: None }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the layer for images one pixel wide.
    pub fn plane(&self) -> UpSampling2D {
        UpSampling2D { name: self.name.clone(), ..UpSampling2D::new((self.size, 1)) }
    }
}

impl Rules for UpSampling2D {
    fn slug(&self) -> &'static str {
        "up_sampling2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, c] = input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        let Pair(sh, sw) = self.size;
        if sh * sw == 0 {
            return Err(format!("size {sh}×{sw} must be at least 1"));
        }
        match (h.checked_mul(sh), w.checked_mul(sw)) {
            (Some(h), Some(w)) if self.interpolation == Interpolation::Bilinear => {
                self.interpolation.resized(input, [h, w])
            }
            (Some(h), Some(w)) => Ok(vec![h, w, *c]),
            _ => Err(format!("size {sh}×{sw} is too large for its input {h}×{w}")),
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        if self.interpolation == Interpolation::Bilinear {
            return self.interpolation.forward(b, place);
        }
        let y = b.batched(&place.name, &place.output);
        let (call, ones) = (self.call(&GROUPED_CONV2D_GRAD_INPUT, b, place), self.ones(b, place));
        let x = b.zeros(&place.output);
        b.call(&place.name, call, &[("dx", y), ("dy", place.x), ("w", ones), ("x", x)]);
        place.saved = vec![ones];
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if self.interpolation == Interpolation::Bilinear {
            return wanted.then(|| self.interpolation.backward(b, place, dy));
        }
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let (call, zeros) = (self.call(&GROUPED_CONV2D_FORWARD, b, place), b.bias(None, place.input[2]));
            b.call(&place.name, call, &[("y", dx), ("x", dy), ("w", place.saved[0]), ("b", zeros)]);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}

by_plane!(UpSampling1D, "up_sampling1d");
