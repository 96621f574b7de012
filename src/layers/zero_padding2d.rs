//! Rows and columns of zeros around an image.

use super::{Pair, Place, Rules};
use crate::{
    kernels::{PAD2D_FORWARD, PAD2D_GRAD},
    op::Call,
    program::{Builder, ValueId},
};
use serde::{Deserialize, Serialize};

/// Padding on each side: `1`, `[1, 2]` (height, width) or `[[1, 2], [3, 4]]` ((top, bottom), (left, right)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Rows at the top and bottom.
    pub height: [usize; 2],
    /// Columns at the left and right.
    pub width: [usize; 2],
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, two numbers or two pairs, such as 1, [1, 2] or [[1, 2], [3, 4]]"
)]
enum Written {
    Sides([[usize; 2]; 2]),
    Pair(Pair),
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Sides([height, width]) => Self { height, width },
            Written::Pair(pair) => pair.into(),
        })
    }
}

impl Serialize for Sides {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.height, self.width].serialize(serializer)
    }
}

impl<T: Into<Pair>> From<T> for Sides {
    fn from(both: T) -> Self {
        let Pair(h, w) = both.into();
        Self { height: [h, h], width: [w, w] }
    }
}

/// `ZeroPadding2D(padding=1)`: adds zeros around an image of (height, width, channels).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding2D {
    /// Padding on each side.
    #[serde(default = "once")]
    pub padding: Sides,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn once() -> Sides {
    1.into()
}

pub(super) fn none() -> Sides {
    0.into()
}

impl ZeroPadding2D {
    /// Creates a layer that adds `padding` on each side.
    pub fn new(padding: impl Into<Sides>) -> Self {
        Self { padding: padding.into(), name: None }
    }

    fn call(&self, op: &'static crate::op::Op, b: &Builder, place: &Place) -> Call {
        let ([h, w, c], [oh, ow, _]) =
            ([0, 1, 2].map(|n| place.input[n]), [0, 1, 2].map(|n| place.output[n]));
        let (pt, pl) = (self.padding.height[0], self.padding.width[0]);
        let sizes =
            [("N", b.batch()), ("H", h), ("W", w), ("C", c), ("OH", oh), ("OW", ow), ("PT", pt), ("PL", pl)];
        Call::new(op, &sizes)
    }
}

impl Rules for ZeroPadding2D {
    fn slug(&self) -> &'static str {
        "zero_padding2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let Sides { height: [top, bottom], width: [left, right] } = self.padding;
        match input {
            [h, w, c] => Ok(vec![h + top + bottom, w + left + right, *c]),
            _ => Err(format!("its input has shape {input:?}, it takes (height, width, channels)")),
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, self.call(&PAD2D_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = self.call(&PAD2D_GRAD, b, place).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
            dx
        })
    }
}
