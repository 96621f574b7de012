//! Center crop: the middle of an image.

use super::{Cropping2D, Place, Rules, Sides};
use crate::program::{Builder, ValueId};

/// `CenterCrop(height, width)`: the middle of an image of (height, width, channels). Where the rows or columns that it
/// loses are odd, the last side loses one more.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// Height of the output.
    pub height: usize,
    /// Width of the output.
    pub width: usize,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl CenterCrop {
    /// Creates a layer whose output has this height and width.
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, name: None }
    }

    /// The layer that takes these edges off an input of this shape; one without edges if the shape does not fit.
    pub fn edges(&self, input: &[usize]) -> Cropping2D {
        let sides = |len: Option<&usize>, kept: usize| {
            let lost = len.map_or(0, |len| len.saturating_sub(kept));
            [lost / 2, lost - lost / 2]
        };
        let (height, width) = (sides(input.first(), self.height), sides(input.get(1), self.width));
        Cropping2D::new(Sides { height, width })
    }
}

impl Rules for CenterCrop {
    fn slug(&self) -> &'static str {
        "center_crop"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, c] = *input else {
            return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
        };
        let (height, width) = (self.height, self.width);
        if height == 0 || width == 0 {
            return Err(format!("it crops to {height}×{width}, which leaves nothing; each is at least 1"));
        }
        if height > h || width > w {
            return Err(format!(
                "it crops to {height}×{width}, and its input is {h}×{w}; Keras enlarges such images and crops then: put \
                 Resizing in its place, or ZeroPadding2D before it"
            ));
        }
        Ok(vec![height, width, c])
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.edges(&place.input).forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.edges(&place.input).backward(b, place, dy, wanted)
    }
}
