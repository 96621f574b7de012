//! A checkpoint: weights, optimizer state and position, as the bytes of one safetensors file that any
//! other program reads. Writing the bytes to a disk is left to the caller.

use crate::{
    Error, Result,
    callbacks::Watch,
    program::{Parameter, arena_len},
};
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Where a training stands, with the metrics of the epoch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs finished.
    pub epoch: u64,
    /// Steps done in the epoch that runs.
    pub step: u64,
    /// Images seen in it.
    pub seen: u64,
    /// Sum of their losses.
    pub loss_sum: f64,
    /// How many of them were right.
    pub hits: f64,
    /// The best test accuracy so far.
    pub best: f64,
    /// What the callbacks remember.
    #[serde(default)]
    pub watch: Watch,
}

/// The whole state of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The arena of parameters.
    pub weights: Vec<f32>,
    /// The arenas that the optimizer keeps, by the names of [`crate::optim::Optimizer::slots`]; none in a file of
    /// weights alone.
    pub slots: BTreeMap<String, Vec<f32>>,
    /// The arena of the weights' moving averages; empty where none are kept.
    pub averages: Vec<f32>,
    /// Where it stands.
    pub position: Position,
}

/// What the optimizer keeps of a parameter: this, the slot's name, a dot, the parameter's name.
const OPTIMIZER: &str = "optimizer.";
/// How files before the other optimizers called `optimizer.velocity.`.
const VELOCITY: &str = "velocity.";
/// Moving averages carry the name of their parameter behind this.
const AVERAGE: &str = "average.";
const POSITION: &str = "wgrad.position";

struct Tensor<'a>(&'a [usize], &'a [f32]);

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // The format is little-endian, and so is every platform with a WebGPU driver.
        bytemuck::cast_slice(self.1).into()
    }

    fn data_len(&self) -> usize {
        4 * self.1.len()
    }
}

impl Checkpoint {
    /// Whether every number is finite: only such a state is worth keeping.
    pub fn is_finite(&self) -> bool {
        let kept = self.slots.values().chain([&self.averages]).flatten();
        self.weights.iter().chain(kept).all(|v| v.is_finite())
    }

    /// The weights to be used, and where they stand: the moving averages where they are kept.
    pub fn for_use(mut self) -> Self {
        let averages = std::mem::take(&mut self.averages);
        let weights = if averages.is_empty() { self.weights } else { averages };
        Self { weights, position: self.position, ..Self::default() }
    }

    /// The bytes of a safetensors file: each parameter under its name, what the optimizer keeps of it as
    /// `optimizer.<slot>.<name>`, its moving average as `average.<name>`, the position as metadata.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the arenas do not belong to `parameters`.
    pub fn to_bytes(&self, parameters: &[Parameter]) -> Result<Vec<u8>> {
        let fail = |message: String| Error::Checkpoint { what: "cannot save the weights".into(), message };
        let len = arena_len(parameters);
        let slots = self.slots.iter().map(|(name, arena)| (format!("{OPTIMIZER}{name}."), arena));
        let arenas = [(String::new(), &self.weights), (AVERAGE.to_string(), &self.averages)];
        let mut tensors = Vec::new();
        for (prefix, arena) in arenas.into_iter().chain(slots).filter(|(_, arena)| !arena.is_empty()) {
            if arena.len() != len {
                return Err(fail(format!("the arena has {} elements, expected {len}", arena.len())));
            }
            for p in parameters {
                let tensor = Tensor(&p.shape, &arena[p.offset..p.offset + p.len()]);
                tensors.push((format!("{prefix}{}", p.name), tensor));
            }
        }
        let position = serde_json::to_string(&self.position).map_err(|e| fail(e.to_string()))?;
        let metadata = HashMap::from([(POSITION.to_string(), position)]);
        safetensors::serialize(tensors, Some(metadata)).map_err(|e| fail(e.to_string()))
    }

    /// Reads the bytes of a safetensors file; `what` names it in errors. Tensors that are no parameter and belong to
    /// none are ignored; a file without optimizer state or position starts from the beginning.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] that names the tensor which is missing or has another shape, with what the file holds.
    pub fn from_bytes(what: &str, bytes: &[u8], parameters: &[Parameter]) -> Result<Self> {
        let fail = |message: String| Error::Checkpoint { what: what.to_string(), message };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|e| fail(format!("is no safetensors file: {e}")))?;
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| fail(format!("is no safetensors file: {e}")))?;
        let mut names: Vec<&str> = file.names();
        names.sort_unstable();
        let read = |prefix: &str| arena(&file, prefix, parameters).map_err(fail);
        let Some(weights) = read("")? else {
            let missing = parameters.iter().find(|p| !names.contains(&p.name.as_str()));
            let missing = missing.map_or(String::new(), |p| format!("`{}` {:?}", p.name, p.shape));
            return Err(fail(format!("has no tensor {missing}; it has: {}", names.join(", "))));
        };
        let mut slots = BTreeMap::new();
        let slot =
            |name: &&str| name.strip_prefix(OPTIMIZER)?.split_once('.').map(|(slot, _)| slot.to_string());
        for slot in names.iter().filter_map(slot).collect::<BTreeSet<_>>() {
            slots.extend(read(&format!("{OPTIMIZER}{slot}."))?.map(|arena| (slot, arena)));
        }
        if slots.is_empty() {
            slots.extend(read(VELOCITY)?.map(|arena| ("velocity".to_string(), arena)));
        }
        let averages = read(AVERAGE)?.unwrap_or_default();
        let position = match header.metadata().as_ref().and_then(|m| m.get(POSITION)) {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| fail(format!("has a damaged position: {e}")))?
            }
            None => Position::default(),
        };
        Ok(Self { weights, slots, averages, position })
    }
}

/// The arena of the tensors `prefix` + the names of `parameters`; `None` where one of them is not in the file, an
/// error in words where one has another shape.
fn arena(
    file: &SafeTensors<'_>,
    prefix: &str,
    parameters: &[Parameter],
) -> std::result::Result<Option<Vec<f32>>, String> {
    let mut arena = vec![0.0; arena_len(parameters)];
    for p in parameters {
        let name = format!("{prefix}{}", p.name);
        let Ok(tensor) = file.tensor(&name) else { return Ok(None) };
        if tensor.shape() != p.shape || tensor.dtype() != Dtype::F32 {
            return Err(format!(
                "`{name}` is {:?} {:?}, the model needs F32 {:?}",
                tensor.dtype(),
                tensor.shape(),
                p.shape
            ));
        }
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(tensor.data());
        arena[p.offset..p.offset + p.len()].copy_from_slice(&values);
    }
    Ok(Some(arena))
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Position, Tensor};
    use crate::{initializer::Initializer, program::Parameter};

    #[test]
    fn the_velocities_of_the_first_files_are_read() {
        let parameter = Parameter {
            name: "dense_1.bias".into(),
            shape: vec![3],
            initializer: Initializer::Zeros,
            offset: 0,
            trained: true,
        };
        let tensors = [("dense_1.bias", [1.0, 2.0, 3.0]), ("velocity.dense_1.bias", [4.0, 5.0, 6.0])];
        let views = tensors.iter().map(|(name, values)| (*name, Tensor(&[3], values)));
        let bytes = safetensors::serialize(views, None).expect("writes");
        let parameters = [parameter];
        let state = Checkpoint::from_bytes("memory", &bytes, &parameters).expect("reads");
        assert_eq!(state.slots["velocity"][..3], [4.0, 5.0, 6.0]);
        let again = state.to_bytes(&parameters).expect("writes");
        assert_eq!(Checkpoint::from_bytes("memory", &again, &parameters).expect("reads"), state);
        assert_eq!(state.clone().for_use().weights, state.weights);
        assert!(state.for_use().slots.is_empty());
    }

    #[test]
    fn a_position_comes_back_to_the_bit() {
        for n in 1..2000 {
            let position =
                Position { step: n, loss_sum: n as f64 / 11.0, best: 1.0 / n as f64, ..Position::default() };
            let state = Checkpoint { position, ..Checkpoint::default() };
            let bytes = state.to_bytes(&[]).expect("nothing but a position");
            assert_eq!(Checkpoint::from_bytes("memory", &bytes, &[]).expect("read").position, position);
        }
    }
}
