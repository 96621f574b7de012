//! Global pooling: one number per channel. These layers are pools whose window is the whole image.

use super::{AveragePooling2D, MaxPooling2D, Pair, Place, Rules};
use crate::program::{Builder, ValueId};

/// `GlobalAveragePooling2D(keepdims=False)`: the mean of each channel.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling2D {
    /// True if height and width remain as axes of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `GlobalMaxPooling2D(keepdims=False)`: the maximum of each channel.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPooling2D {
    /// True if height and width remain as axes of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GlobalAveragePooling2D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl GlobalMaxPooling2D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

fn shape(input: &[usize], keepdims: bool) -> Result<Vec<usize>, String> {
    match input {
        [_, _, channels] if keepdims => Ok(vec![1, 1, *channels]),
        [_, _, channels] => Ok(vec![*channels]),
        _ => Err(format!("its input has shape {input:?}, it takes (height, width, channels)")),
    }
}

/// Returns `place` with an output of height and width 1.
fn windowed(place: &Place) -> Place {
    Place { output: vec![1, 1, place.input[2]], ..place.clone() }
}

fn whole(place: &Place) -> Pair {
    Pair(place.input[0], place.input[1])
}

impl Rules for GlobalAveragePooling2D {
    fn slug(&self) -> &'static str {
        "global_average_pooling2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        shape(input, self.keepdims)
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        AveragePooling2D::new(whole(place)).forward(b, &mut windowed(place))
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        AveragePooling2D::new(whole(place)).backward(b, &windowed(place), dy, wanted)
    }
}

impl Rules for GlobalMaxPooling2D {
    fn slug(&self) -> &'static str {
        "global_max_pooling2d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        shape(input, self.keepdims)
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let mut windowed = windowed(place);
        let y = MaxPooling2D::new(whole(place)).forward(b, &mut windowed);
        place.saved = windowed.saved;
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        MaxPooling2D::new(whole(place)).backward(b, &windowed(place), dy, wanted)
    }
}
