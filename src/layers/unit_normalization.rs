//! Unit normalization: scales each row to length 1 along the last axis.

use super::{
    MaskRule, Place, Rules,
    layer_normalization::{Groups, Norm},
};
use crate::program::{Builder, ValueId};

/// The least sum of squares, that of Keras: rows shorter than 1e-12 are multiplied by 1e12.
pub(super) const LEAST: f64 = 1e-24;

/// `UnitNormalization()` over the last axis: y = x / √(Σ x²), with the sum of each row, or 1e-24 where that is more.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitNormalization {
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl UnitNormalization {
    const GROUPS: Groups =
        Groups { norm: Norm::Length, groups: None, epsilon: LEAST, scale: false, center: false };

    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rules for UnitNormalization {
    fn slug(&self) -> &'static str {
        "unit_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(input.to_vec())
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        Self::GROUPS.forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        Self::GROUPS.backward(b, place, dy, wanted)
    }
}
