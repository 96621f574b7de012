//! Global pooling over time: one number per feature.

use super::{
    GlobalAveragePooling2D, GlobalMaxPooling2D, Place, Rules, mask,
    one_dimension::{by_plane, image, sequence, widened},
};
use crate::program::{Builder, ValueId};

/// `GlobalAveragePooling1D(keepdims=False)`: the mean of each feature over time. With a mask, over the steps that count; of
/// no steps, it is 0.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling1D {
    /// True if time remains as an axis of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GlobalAveragePooling1D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the pool over images one pixel wide.
    pub fn plane(&self) -> GlobalAveragePooling2D {
        GlobalAveragePooling2D { keepdims: self.keepdims, name: self.name.clone() }
    }
}

impl Rules for GlobalAveragePooling1D {
    fn slug(&self) -> &'static str {
        "global_average_pooling1d"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(sequence(&self.plane().output_shape(&image(input)?)?))
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let mut wide = widened(place);
        if let Some(mask) = place.mask() {
            let weights = mask::shares(b, &place.name, mask, false);
            wide.x = mask::rows(b, &place.name, place.x, weights, 0.0);
            place.saved = vec![weights, wide.x];
        }
        self.plane().forward(b, &mut wide)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let [weights, x] = place.saved[..] else {
            return self.plane().backward(b, &widened(place), dy, wanted);
        };
        let dx = self.plane().backward(b, &Place { x, ..widened(place) }, dy, wanted)?;
        let dx = mask::rows(b, &place.name, dx, weights, 0.0);
        Some(b.through_fused(&place.name, place.x, dx))
    }
}

/// `GlobalMaxPooling1D(keepdims=False)`: the maximum of each feature over time.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPooling1D {
    /// True if time remains as an axis of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GlobalMaxPooling1D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the pool over images one pixel wide.
    pub fn plane(&self) -> GlobalMaxPooling2D {
        GlobalMaxPooling2D { keepdims: self.keepdims, name: self.name.clone() }
    }
}

by_plane!(GlobalMaxPooling1D, "global_max_pooling1d");
