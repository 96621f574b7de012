//! Repetition of a vector as the steps of a sequence.

use super::{Place, Rules, UpSampling2D};
use crate::program::{Builder, ValueId};

/// `RepeatVector(n)`: (features) becomes (n, features), the same at each step.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatVector {
    /// Number of steps.
    pub n: usize,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl RepeatVector {
    /// Creates a layer that repeats its input `n` times.
    pub fn new(n: usize) -> Self {
        Self { n, name: None }
    }

    /// The layer and the place of a repetition of one pixel.
    fn plane(&self, place: &Place) -> (UpSampling2D, Place) {
        let features = place.input[0];
        let (input, output) = (vec![1, 1, features], vec![self.n, 1, features]);
        (UpSampling2D::new((self.n, 1)), Place { input, output, ..place.clone() })
    }
}

impl Rules for RepeatVector {
    fn slug(&self) -> &'static str {
        "repeat_vector"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        match input {
            [_] if self.n == 0 => Err("n is 0; it needs at least 1".into()),
            [features] => Ok(vec![self.n, *features]),
            _ => Err(format!("its input has shape {input:?}, it takes (features); put Flatten before it")),
        }
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let (layer, mut image) = self.plane(place);
        let y = layer.forward(b, &mut image);
        place.saved = image.saved;
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let (layer, image) = self.plane(place);
        layer.backward(b, &image, dy, wanted)
    }
}
