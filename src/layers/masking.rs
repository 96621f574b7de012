//! A mask of the steps whose numbers are all the same.

use super::{MaskRule, Place, Rules, mask};
use crate::program::{Builder, ValueId};

/// `Masking(mask_value=0.0)`: steps of (time, features) whose numbers all are `mask_value` do not count in the layers
/// behind that take masks; they become zeros.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masking {
    /// The number of steps that do not count.
    #[serde(default)]
    pub mask_value: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Masking {
    /// Creates a layer that masks steps of zeros.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rules for Masking {
    fn slug(&self) -> &'static str {
        "masking"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if !(self.mask_value as f32).is_finite() {
            return Err(format!("mask_value is {}, expected a number that f32 holds", self.mask_value));
        }
        match input {
            [_, _] => Ok(input.to_vec()),
            _ => Err(format!(
                "its input has shape {input:?}, it takes (time, features); put Reshape before it"
            )),
        }
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Makes
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let value = f64::from(self.mask_value as f32);
        let own = mask::steps(b, &place.name, place.x, place.input[1], value);
        place.saved = vec![own];
        let y = mask::rows(b, &place.name, place.x, own, 0.0);
        b.program.values[y.0].name.clone_from(&place.name);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        wanted.then(|| {
            let dx = mask::rows(b, &place.name, dy, place.saved[0], 0.0);
            b.program.values[dx.0].name = format!("d {} input", place.name);
            b.through_fused(&place.name, place.x, dx)
        })
    }
}
