//! A checkpoint: weights, optimizer state and position, as the bytes of one safetensors file that any
//! other program reads. Writing the bytes to a disk is left to the caller.

use crate::{
    Error, Result,
    program::{Parameter, arena_len},
};
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap};

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
}

/// The whole state of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The arena of parameters.
    pub weights: Vec<f32>,
    /// The arena of velocities; empty in a file of weights alone.
    pub velocities: Vec<f32>,
    /// Where it stands.
    pub position: Position,
}

/// Velocities carry the name of their parameter behind this.
const VELOCITY: &str = "velocity.";
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
        self.weights.iter().chain(&self.velocities).all(|v| v.is_finite())
    }

    /// The bytes of a safetensors file: each parameter under its name, each velocity as `velocity.<name>`,
    /// the position as metadata.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the arenas do not belong to `parameters`.
    pub fn to_bytes(&self, parameters: &[Parameter]) -> Result<Vec<u8>> {
        let fail = |message: String| Error::Checkpoint { what: "cannot save the weights".into(), message };
        let len = arena_len(parameters);
        let arenas = [("", &self.weights), (VELOCITY, &self.velocities)];
        let mut tensors = Vec::new();
        for (prefix, arena) in arenas.into_iter().filter(|(_, arena)| !arena.is_empty()) {
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

    /// Reads the bytes of a safetensors file; `what` names it in errors. Tensors that are no parameter
    /// are ignored; a file without velocities or position starts from zero.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] that names the tensor which is missing or has another shape, with what the file holds.
    pub fn from_bytes(what: &str, bytes: &[u8], parameters: &[Parameter]) -> Result<Self> {
        let fail = |message: String| Error::Checkpoint { what: what.to_string(), message };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|e| fail(format!("is no safetensors file: {e}")))?;
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| fail(format!("is no safetensors file: {e}")))?;
        let mut weights = vec![0.0; arena_len(parameters)];
        let mut velocities = vec![0.0; arena_len(parameters)];
        for p in parameters {
            for (prefix, arena) in [("", &mut weights), (VELOCITY, &mut velocities)] {
                let name = format!("{prefix}{}", p.name);
                let Ok(tensor) = file.tensor(&name) else {
                    if prefix.is_empty() {
                        let mut names = file.names();
                        names.sort_unstable();
                        return Err(fail(format!(
                            "has no tensor `{name}` {:?}; it has: {}",
                            p.shape,
                            names.join(", ")
                        )));
                    }
                    continue;
                };
                if tensor.shape() != p.shape || tensor.dtype() != Dtype::F32 {
                    return Err(fail(format!(
                        "`{name}` is {:?} {:?}, the model needs F32 {:?}",
                        tensor.dtype(),
                        tensor.shape(),
                        p.shape
                    )));
                }
                let values: Vec<f32> = bytemuck::pod_collect_to_vec(tensor.data());
                arena[p.offset..p.offset + p.len()].copy_from_slice(&values);
            }
        }
        let position = match header.metadata().as_ref().and_then(|m| m.get(POSITION)) {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| fail(format!("has a damaged position: {e}")))?
            }
            None => Position::default(),
        };
        Ok(Self { weights, velocities, position })
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Position};

    #[test]
    fn a_position_comes_back_to_the_bit() {
        for n in 1..2000 {
            let position =
                Position { step: n, loss_sum: n as f64 / 11.0, best: 1.0 / n as f64, ..Position::default() };
            let state = Checkpoint { weights: Vec::new(), velocities: Vec::new(), position };
            let bytes = state.to_bytes(&[]).expect("nothing but a position");
            assert_eq!(Checkpoint::from_bytes("memory", &bytes, &[]).expect("read").position, position);
        }
    }
}
