//! A recurrent layer that reads time in both directions.

use super::{
    GRU, LSTM, MaskRule, Place, Rules, SimpleRNN,
    recurrence::{self, Recurrence, Run, Site},
};
use crate::{
    initializer::Initializer,
    kernels::{ADD, CONCATENATE, SLICE_COLUMNS},
    op::Call,
    program::{Builder, ValueId},
};

/// The recurrent layers.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type")]
pub enum Recurrent {
    /// The simple recurrent layer.
    SimpleRNN(SimpleRNN),
    /// The long short-term memory.
    LSTM(LSTM),
    /// The gated recurrent unit.
    GRU(GRU),
}

macro_rules! recurrent {
    ($($kind:ident),+) => {
        $(impl From<$kind> for Recurrent {
            fn from(layer: $kind) -> Self { Self::$kind(layer) }
        })+

        impl Recurrent {
            /// Returns the arguments in the form that all recurrent layers share.
            pub fn recurrence(&self) -> Recurrence {
                match self { $(Self::$kind(layer) => layer.recurrence()),+ }
            }

            fn fits(&self) -> Result<(), String> {
                match self { $(Self::$kind(layer) => layer.fits()),+ }
            }
        }
    };
}

recurrent!(SimpleRNN, LSTM, GRU);

/// Method that merges the outputs of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// Concatenated along the last axis, forward first.
    #[default]
    Concat,
    /// Their sum.
    Sum,
}

/// `Bidirectional(layer, merge_mode="concat")`: `layer`, together with a second layer that has the same arguments, its
/// own weights and the opposite direction of time (Schuster and Paliwal 1997). In a model file:
/// `layer = { type = "LSTM", units = 64 }`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bidirectional {
    /// The layer for one direction.
    pub layer: Recurrent,
    /// Method that merges both outputs.
    #[serde(default)]
    pub merge_mode: MergeMode,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Short names of the tensors of both directions.
const NAMES: [[&str; 3]; 2] = [
    ["forward_kernel", "forward_recurrent_kernel", "forward_bias"],
    ["backward_kernel", "backward_recurrent_kernel", "backward_bias"],
];

impl Bidirectional {
    /// Creates a layer that runs `layer` in both directions and concatenates the outputs.
    pub fn new(layer: impl Into<Recurrent>) -> Self {
        Self { layer: layer.into(), merge_mode: MergeMode::default(), name: None }
    }

    /// Both directions. The output of the second is flipped into the time order of the first.
    pub fn both(&self) -> [Recurrence; 2] {
        let forward = self.layer.recurrence();
        // As in Keras, whatever the layer says.
        let forward = Recurrence { zero: forward.sequences, ..forward };
        [forward, Recurrence { backwards: !forward.backwards, flip: true, ..forward }]
    }

    /// Calls `each` for both directions, with the parameters of each.
    fn directions<'a, T>(
        &self,
        place: &'a Place,
        mut each: impl FnMut(usize, Recurrence, Site<'a>) -> T,
    ) -> [T; 2] {
        let [first, second] = self.both();
        let (before, behind) = place.parameters.split_at(first.tensors());
        let site = |parameters| Site { parameters, ..recurrence::site(place) };
        [each(0, first, site(before)), each(1, second, site(behind))]
    }

    /// Rows and columns of the output of each direction.
    fn extent(&self, b: &Builder, place: &Place) -> (usize, usize) {
        let steps = if place.output.len() == 2 { place.output[0] } else { 1 };
        (b.batch() * steps, self.both()[0].units)
    }
}

impl Rules for Bidirectional {
    fn slug(&self) -> &'static str {
        "bidirectional"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.layer.fits()?;
        let mut output = self.layer.recurrence().output_shape(input)?;
        if let (MergeMode::Concat, Some(units)) = (self.merge_mode, output.last_mut()) {
            *units *= 2;
        }
        Ok(output)
    }

    fn mask_rule(&self) -> MaskRule {
        self.both()[0].mask_rule()
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let tensors = self.layer.recurrence().parameters(input);
        NAMES
            .iter()
            .flat_map(|names| names.iter().zip(tensors.clone()))
            .map(|(name, (_, shape, initializer))| (*name, shape, initializer))
            .collect()
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let runs = self.directions(place, |_, direction, site| direction.forward(b, site));
        place.saved = runs.iter().flat_map(|run| run.saved()).collect();
        let (rows, units) = self.extent(b, place);
        let y = b.batched(&place.name, &place.output);
        let call = match self.merge_mode {
            MergeMode::Concat => Call::new(&CONCATENATE, &[("ROWS", rows), ("A", units), ("B", units)]),
            MergeMode::Sum => Call::new(&ADD, &[("COUNT", rows * units)]),
        };
        b.call(&place.name, call, &[("y", y), ("a", runs[0].y), ("b", runs[1].y)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let (rows, units) = self.extent(b, place);
        let gradients = self.directions(place, |n, direction, site| {
            let half = place.saved.len() / 2;
            let run = Run::restored(&place.saved[n * half..][..half]);
            let own = match self.merge_mode {
                MergeMode::Sum => dy,
                MergeMode::Concat => {
                    let own = b.batched(
                        &format!("d {} direction {}", place.name, n + 1),
                        &[rows / b.batch(), units],
                    );
                    let sizes = [("ROWS", rows), ("WIDTH", 2 * units), ("FROM", n * units), ("COUNT", units)];
                    let call = Call::new(&SLICE_COLUMNS, &sizes);
                    b.call(&place.name, call, &[("dx", own), ("dy", dy), ("x", run.y)]);
                    own
                }
            };
            direction.backward(b, site, &run, own, wanted)
        });
        match gradients {
            [Some(first), Some(second)] => Some(b.sum(&place.name, first, second)),
            _ => None,
        }
    }
}
