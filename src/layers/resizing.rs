//! Resizing: an image in another size, by the values at the centres of its pixels.

use super::{Interpolation, Place, Rules};
use crate::{
    kernels::{RESIZE2D_FORWARD, RESIZE2D_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
};
use serde::{Deserialize, Serialize};

/// `Resizing(height, width, interpolation="bilinear")`: an image of (height, width, channels) in another size. A pixel of
/// the output has the value at its centre: between pixels of the input by distance, or that of the nearest one. Smaller
/// images skip pixels, as in Keras without `antialias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    /// Height of the output.
    pub height: usize,
    /// Width of the output.
    pub width: usize,
    /// The value between pixels.
    #[serde(default = "bilinear")]
    pub interpolation: Interpolation,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

impl Resizing {
    /// Creates a layer whose output has this height and width.
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, interpolation: Interpolation::Bilinear, name: None }
    }
}

/// Checks that the kernels can count the places of an axis of `len` in one of `out`.
fn countable(len: usize, out: usize) -> Result<(), String> {
    let places = 2 * out as u128 * (len as u128 + 1) + len as u128;
    match u32::try_from(places) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(format!("{len} pixels cannot become {out}; twice their product is at most {}", u32::MAX))
        }
    }
}

impl Interpolation {
    /// The shape of images of this size.
    pub(super) fn resized(self, input: &[usize], [height, width]: [usize; 2]) -> Result<Vec<usize>, String> {
        let [h, w, c] = *input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        if height == 0 || width == 0 {
            return Err(format!("it resizes to {height}×{width}; each is at least 1"));
        }
        countable(h, height)?;
        countable(w, width)?;
        Ok(vec![height, width, c])
    }

    fn call(self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let ([h, w, c], [oh, ow, _]) =
            ([0, 1, 2].map(|n| place.input[n]), [0, 1, 2].map(|n| place.output[n]));
        let nearest = usize::from(self == Self::Nearest);
        let sizes =
            [("N", b.batch()), ("H", h), ("W", w), ("C", c), ("OH", oh), ("OW", ow), ("NEAREST", nearest)];
        Call::new(op, &sizes)
    }

    /// Appends the resizing of a layer's input to its output.
    pub(super) fn forward(self, b: &mut Builder, place: &Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, self.call(&RESIZE2D_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        y
    }

    /// Appends the gradient of a layer's input.
    pub(super) fn backward(self, b: &mut Builder, place: &Place, dy: ValueId) -> ValueId {
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        let call = self.call(&RESIZE2D_GRAD, b, place).activated(b.fused(place.x));
        b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
        dx
    }
}

impl Rules for Resizing {
    fn slug(&self) -> &'static str {
        "resizing"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.interpolation.resized(input, [self.height, self.width])
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.interpolation.forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| self.interpolation.backward(b, place, dy))
    }
}

#[cfg(test)]
mod tests {
    use super::{Resizing, Rules};

    #[test]
    fn sizes_that_no_kernel_counts_are_refused() {
        let of = |height: usize, input: [usize; 3]| Resizing::new(height, 1).output_shape(&input);
        assert_eq!(of(1 << 15, [(1 << 15) - 1, 1, 3]), Ok(vec![1 << 15, 1, 3]));
        let said = of(1 << 16, [1 << 15, 1, 3]).expect_err("twice the product is 2^32");
        assert!(said.contains("32768 pixels cannot become 65536"), "{said}");
        let said = of(0, [4, 4, 1]).expect_err("it is empty");
        assert!(said.contains("0×1") && said.contains("at least 1"), "{said}");
    }
}
