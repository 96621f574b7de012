//! A layer that treats each step of a sequence by itself.

use super::{Layer, MaskRule, Place, Rules};
use crate::{
    initializer::Initializer,
    program::{Builder, ValueId},
};

/// `TimeDistributed(layer)`: `layer` on each step of (time, ...), with the same weights. The steps of all sequences are
/// the examples of `layer`. In a model file: `layer = { type = "Dense", units = 4 }`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeDistributed {
    /// The layer for each step.
    pub layer: Box<Layer>,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl TimeDistributed {
    /// Creates a layer that runs `layer` on each step.
    pub fn new(layer: impl Into<Layer>) -> Self {
        Self { layer: Box::new(layer.into()), name: None }
    }

    /// Returns true if `layer` computes the same on a whole sequence: it works element by element, or along the last
    /// axis.
    pub fn is_layer(&self) -> bool {
        matches!(
            *self.layer,
            Layer::Dense(_)
                | Layer::Activation(_)
                | Layer::ReLU(_)
                | Layer::LeakyReLU(_)
                | Layer::ELU(_)
                | Layer::Softmax(_)
                | Layer::Dropout(_)
                | Layer::Rescaling(_)
                | Layer::LayerNormalization(_)
                | Layer::RMSNormalization(_)
                | Layer::UnitNormalization(_)
        )
    }

    /// Says why `layer` cannot be computed on each step.
    fn fits(&self) -> Result<(), String> {
        let kind = self.layer.kind();
        let why = match &*self.layer {
            Layer::BatchNormalization(_) => {
                "Keras normalizes each step of a batch by its own mean and variance; put it outside, where it has \
                 one mean for all steps, or take LayerNormalization"
            }
            Layer::Normalization(_) => "it works along the last axis in any case: put it outside",
            Layer::Embedding(_) | Layer::Masking(_) => {
                "it takes the steps of a whole sequence: put it outside"
            }
            layer if layer.rules().joins() => "it takes several inputs, and a step is one",
            _ => return Ok(()),
        };
        Err(format!("layer is {kind}, which it cannot run on each step: {why}"))
    }

    /// The place of `layer`: the shapes of a step.
    fn step(place: &Place) -> Place {
        let of = |shape: &[usize]| shape.get(1..).unwrap_or_default().to_vec();
        Place {
            input: of(&place.input),
            output: of(&place.output),
            inputs: vec![(place.x, of(&place.input))],
            masks: Vec::new(),
            ..place.clone()
        }
    }

    /// The shape of a step of `input`.
    fn of_step(input: &[usize]) -> &[usize] {
        input.get(1..).unwrap_or_default()
    }
}

impl Rules for TimeDistributed {
    fn slug(&self) -> &'static str {
        "time_distributed"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.fits()?;
        let [time, step @ ..] = input else {
            return Err("its input has no axis; it takes (time, ...)".into());
        };
        if step.is_empty() {
            return Err(format!(
                "its input has shape {input:?}, it takes (time, ...), such as (time, features); put Reshape before it"
            ));
        }
        let output = self.layer.rules().output_shape(step);
        let output =
            output.map_err(|e| format!("its {} on a step of shape {step:?}: {e}", self.layer.kind()))?;
        Ok([&[*time], &output[..]].concat())
    }

    fn draws(&self) -> bool {
        self.layer.rules().draws()
    }

    fn mask_rule(&self) -> MaskRule {
        match *self.layer {
            Layer::SimpleRNN(_)
            | Layer::LSTM(_)
            | Layer::GRU(_)
            | Layer::Bidirectional(_)
            | Layer::GlobalAveragePooling1D(_)
            | Layer::Softmax(_)
            | Layer::TimeDistributed(_) => MaskRule::Refuses(
                "its layer would take the mask of a sequence as that of a step, as in Keras",
            ),
            _ => MaskRule::Passes,
        }
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        self.layer.rules().parameters(Self::of_step(input))
    }

    fn states(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        self.layer.rules().states(Self::of_step(input))
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let mut step = Self::step(place);
        let y = b.distributed(place.input[0], |b| self.layer.rules().forward(b, &mut step));
        place.saved = step.saved;
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let step = Self::step(place);
        b.distributed(place.input[0], |b| self.layer.rules().backward(b, &step, dy, wanted))
    }
}
