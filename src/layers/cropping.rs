//! Cropping: takes the edges off images and sequences. The operations are those of padding, in the other direction.

use super::{
    Place, Rules, Sides,
    one_dimension::by_plane,
    zero_padding1d::{ends, once},
    zero_padding2d,
};
use crate::{
    kernels::{PAD2D_FORWARD, PAD2D_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
};

/// `Cropping2D(cropping=0)`: takes rows and columns off an image of (height, width, channels).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping2D {
    /// Rows and columns that each side loses.
    #[serde(default = "zero_padding2d::none")]
    pub cropping: Sides,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `Cropping1D(cropping=1)`: takes steps off both ends of (time, features).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping1D {
    /// Steps that the sequence loses before and after: `1` or `[1, 2]`.
    #[serde(default = "once", deserialize_with = "ends")]
    pub cropping: [usize; 2],
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Cropping2D {
    /// Creates a layer that takes `cropping` off each side.
    pub fn new(cropping: impl Into<Sides>) -> Self {
        Self { cropping: cropping.into(), name: None }
    }

    /// The call of an operation of padding, whose output is this layer's input.
    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let ([oh, ow, c], [h, w, _]) =
            ([0, 1, 2].map(|n| place.input[n]), [0, 1, 2].map(|n| place.output[n]));
        let (pt, pl) = (self.cropping.height[0], self.cropping.width[0]);
        let sizes =
            [("N", b.batch()), ("H", h), ("W", w), ("C", c), ("OH", oh), ("OW", ow), ("PT", pt), ("PL", pl)];
        Call::new(op, &sizes)
    }
}

impl Cropping1D {
    /// Creates a layer that takes these steps off both ends.
    pub fn new(cropping: [usize; 2]) -> Self {
        Self { cropping, name: None }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the cropping of images one pixel wide.
    pub fn plane(&self) -> Cropping2D {
        Cropping2D { cropping: Sides { height: self.cropping, width: [0, 0] }, name: self.name.clone() }
    }
}

impl Rules for Cropping2D {
    fn slug(&self) -> &'static str {
        "cropping2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, c] = input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        let left =
            |len: usize, [before, behind]: [usize; 2]| len.checked_sub(before + behind).filter(|n| *n > 0);
        match (left(*h, self.cropping.height), left(*w, self.cropping.width)) {
            (Some(h), Some(w)) => Ok(vec![h, w, *c]),
            _ => {
                let [(t, b), (l, r)] = [self.cropping.height, self.cropping.width].map(|[a, b]| (a, b));
                Err(format!("cropping {}×{} leaves nothing of its input {h}×{w}", t + b, l + r))
            }
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        let x = b.zeros(&place.output);
        b.call(&place.name, self.call(&PAD2D_GRAD, b, place), &[("dx", y), ("dy", place.x), ("x", x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            b.call(&place.name, self.call(&PAD2D_FORWARD, b, place), &[("y", dx), ("x", dy)]);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}

by_plane!(Cropping1D, "cropping1d");
