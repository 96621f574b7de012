//! Normalization by the root mean square: scales each row to a mean square of 1 along the last axis, then applies scale.

use super::{
    Place, Rules,
    layer_normalization::{Groups, Norm, kept},
};
use crate::{
    initializer::Initializer,
    program::{Builder, ValueId},
};

/// `RMSNormalization(epsilon=1e-6)` over the last axis (Zhang and Sennrich 2019): y = scale · x / √(mean of x² + epsilon),
/// with the mean of each row.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RMSNormalization {
    /// Added to the mean of the squares.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn epsilon() -> f64 {
    1e-6
}

impl Default for RMSNormalization {
    fn default() -> Self {
        Self { epsilon: epsilon(), name: None }
    }
}

impl RMSNormalization {
    /// Creates the layer with Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    fn groups(&self) -> Groups {
        let epsilon = self.epsilon;
        Groups { norm: Norm::RootMeanSquare, groups: None, epsilon, scale: true, center: false }
    }
}

impl Rules for RMSNormalization {
    fn slug(&self) -> &'static str {
        "rms_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        kept(self.epsilon, input)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        vec![("scale", vec![input.last().copied().unwrap_or(1)], Initializer::Ones)]
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.groups().forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.groups().backward(b, place, dy, wanted)
    }
}
