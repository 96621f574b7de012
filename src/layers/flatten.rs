//! Flatten: joins all axes into one. No data moves, since activations are stored in that order.

use super::{Place, Rules};
use crate::program::{Builder, ValueId};

/// `Flatten()`: (height, width, channels) becomes one axis in this order, as in Keras.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Flatten {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rules for Flatten {
    fn slug(&self) -> &'static str {
        "flatten"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        Ok(vec![input.iter().product()])
    }

    fn forward(&self, _: &mut Builder, place: &mut Place) -> ValueId {
        place.x
    }

    fn backward(&self, _: &mut Builder, _: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then_some(dy)
    }
}
