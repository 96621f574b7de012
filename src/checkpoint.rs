//! Checkpoints: weights, optimizer state and position, as the bytes of a safetensors file that other programs can read.
//! The caller writes the bytes to disk.

use crate::{
    Error, Result,
    callbacks::Watch,
    metrics::{Metrics, RunningMetrics, StepResult},
    program::{Parameter, arena_len, by_layer},
    words::hex,
};
use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Progress of a training.
///
/// ```no_run
/// # async fn broken_off(trainer: &mut wgrad::train::Trainer) -> wgrad::Result<()> {
/// use std::ops::ControlFlow;
/// trainer.advance(30, |_, _| ControlFlow::Continue(())).await?;
/// let position = trainer.position();
/// println!("{} epochs and {} steps are done", position.epoch, position.step);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Number of finished epochs.
    pub epoch: u64,
    /// Number of steps done in the current epoch.
    pub step: u64,
    /// Sums over the steps of the current epoch.
    #[serde(flatten)]
    pub running: RunningMetrics,
    /// The highest score so far, as [`Metrics::judged`] computes it.
    pub best: f64,
    /// State of the callbacks.
    #[serde(default)]
    pub watch: Watch,
}

/// The complete state of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// All parameters, in one arena.
    pub weights: Vec<f32>,
    /// The state arrays of the optimizer, by the names of [`crate::optim::Optimizer::slots`]; empty in a file of
    /// weights alone.
    pub slots: BTreeMap<String, Vec<f32>>,
    /// The moving averages of the weights; empty if there are none.
    pub averages: Vec<f32>,
    /// Progress of the training.
    pub position: Position,
}

/// Prefix of optimizer state; the slot's name, a dot and the parameter's name follow.
const OPTIMIZER: &str = "optimizer.";
/// Prefix that stood for `optimizer.velocity.` in files from before the other optimizers.
const VELOCITY: &str = "velocity.";
/// Prefix of moving averages; the parameter's name follows.
const AVERAGE: &str = "average.";
const POSITION: &str = "wgrad.position";
/// Field of the position's JSON that holds the checksum. As a separate key, it would make two keys of metadata, whose
/// order in the file differs between processes.
const SHA256: &str = "sha256";
/// Field with the record of what decided the training, as the saving program passed it; older files lack it.
const DECIDED: &str = "decided";
/// The fields of a position without a checksum, as older versions wrote it.
const UNSUMMED: [&str; 7] = ["epoch", "step", "seen", "loss_sum", "hits", "best", "watch"];

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
    /// Returns true if every number is finite; other states are not worth saving.
    pub fn is_finite(&self) -> bool {
        let kept = self.slots.values().chain([&self.averages]).flatten();
        self.weights.iter().chain(kept).all(|v| v.is_finite())
    }

    /// Describes the first number that is not finite, such as `dense_1.kernel[33] is NaN`, with the name in quotes.
    pub fn not_finite(&self, parameters: &[Parameter]) -> Option<String> {
        let slots = self.slots.iter().map(|(name, arena)| (format!("{OPTIMIZER}{name}."), arena));
        let arenas = [(String::new(), &self.weights), (AVERAGE.to_string(), &self.averages)];
        let named = arenas.into_iter().chain(slots).find_map(|(prefix, arena)| {
            parameters.iter().find_map(|p| {
                let values = arena.get(p.offset..p.offset + p.len())?;
                let at = values.iter().position(|v| !v.is_finite())?;
                Some(format!("`{prefix}{}`[{at}] is {}", p.name, values[at]))
            })
        });
        named.or_else(|| (!self.is_finite()).then(|| "the padding between tensors is not finite".to_string()))
    }

    /// The weights for inference and their position: the moving averages if there are any, else the parameters.
    pub fn for_use(mut self) -> Self {
        let averages = std::mem::take(&mut self.averages);
        let weights = if averages.is_empty() { self.weights } else { averages };
        Self { weights, position: self.position, ..Self::default() }
    }

    /// Serializes the checkpoint as a safetensors file. Each parameter has its own name; optimizer state is
    /// `optimizer.<slot>.<name>`, a moving average `average.<name>`. The metadata hold the position and a SHA-256 of
    /// everything.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the arenas do not belong to `parameters`.
    pub fn to_bytes(&self, parameters: &[Parameter]) -> Result<Vec<u8>> {
        self.to_bytes_with(parameters, None)
    }

    /// Serializes the checkpoint like [`Checkpoint::to_bytes`], and stores `decided`, the record of what decided the
    /// training, with the position.
    pub fn to_bytes_with(&self, parameters: &[Parameter], decided: Option<Value>) -> Result<Vec<u8>> {
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
        let position = serde_json::to_value(self.position).map_err(|e| fail(e.to_string()))?;
        let Value::Object(mut position) = position else {
            return Err(fail("a position is not a JSON object".into()));
        };
        position.extend(decided.map(|decided| (DECIDED.to_string(), decided)));
        tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
        let sum = checksum(&position, tensors.iter().map(|(name, t)| (name.as_str(), t.0, t.data())));
        position.insert(SHA256.to_string(), Value::String(sum));
        let metadata = HashMap::from([(POSITION.to_string(), Value::Object(position).to_string())]);
        safetensors::serialize(tensors, Some(metadata)).map_err(|e| fail(e.to_string()))
    }

    /// Reads a checkpoint from the bytes of a safetensors file; `what` names it in errors. Tensors that belong to no
    /// parameter are ignored. A file without optimizer state or position starts from the beginning. A file that wgrad
    /// wrote must be unchanged.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a missing tensor or one of another shape, with the tensors of the file; and for a file
    /// written by wgrad whose checksum does not match.
    pub fn from_bytes(what: &str, bytes: &[u8], parameters: &[Parameter]) -> Result<Self> {
        Ok(Self::from_bytes_recorded(what, bytes, parameters)?.0)
    }

    /// Names of the tensors that [`Checkpoint::from_bytes`] ignores in a safetensors file; empty for any other file.
    pub fn ignored(bytes: &[u8], parameters: &[Parameter]) -> Vec<String> {
        let Ok(file) = SafeTensors::deserialize(bytes) else { return Vec::new() };
        let own: BTreeSet<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        let belongs = |name: &str| {
            let slot = name.strip_prefix(OPTIMIZER).and_then(|rest| Some(rest.split_once('.')?.1));
            let of = slot.or(name.strip_prefix(VELOCITY)).or(name.strip_prefix(AVERAGE));
            own.contains(name) || of.is_some_and(|of| own.contains(of))
        };
        let mut names: Vec<String> =
            file.names().into_iter().filter(|name| !belongs(name)).map(String::from).collect();
        names.sort_unstable();
        names
    }

    /// Reads a checkpoint like [`Checkpoint::from_bytes`], together with the other fields of its position, if it has
    /// one.
    pub fn from_bytes_recorded(
        what: &str,
        bytes: &[u8],
        parameters: &[Parameter],
    ) -> Result<(Self, Option<Recorded>)> {
        let fail = |message: String| Error::Checkpoint { what: what.to_string(), message };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|e| fail(format!("is not a safetensors file: {e}")))?;
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| fail(format!("is not a safetensors file: {e}")))?;
        let metadata = header.metadata().as_ref();
        let position = match metadata.and_then(|m| m.get(POSITION)) {
            Some(text) => Some(position(&file, text).map_err(fail)?),
            None if metadata.is_some_and(|m| m.values().any(|text| text.starts_with("{\"epoch\":"))) => {
                return Err(fail(format!("is damaged: its position is not stored under `{POSITION}`")));
            }
            None => None,
        };
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
        let (position, recorded) = position.unzip();
        Ok((Self { weights, slots, averages, position: position.unwrap_or_default() }, recorded))
    }
}

/// A layer whose weights a file does not have, or has in other shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Name of the layer.
    pub layer: String,
    /// What the file has in its place.
    pub reason: String,
}

impl Checkpoint {
    /// Reads the weights of the layers that a safetensors file has with the names and shapes of `parameters`, as for
    /// transfer learning. All other layers keep their weights of `begin`, which is an arena of [`arena_len`] numbers, and
    /// are returned with the reason.
    /// Everything else in the file is ignored: a training starts from its beginning.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if no layer fits, and for a damaged file.
    pub fn fitting(
        what: &str,
        bytes: &[u8],
        parameters: &[Parameter],
        begin: Vec<f32>,
    ) -> Result<(Self, Vec<Skipped>)> {
        let fail = |message: String| Error::Checkpoint { what: what.to_string(), message };
        // Finds what is damaged.
        Self::from_bytes(what, bytes, &[])?;
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| fail(format!("is not a safetensors file: {e}")))?;
        let (mut weights, mut skipped, mut read) = (begin, Vec::new(), 0);
        weights.resize(arena_len(parameters), 0.0);
        for (layer, own) in by_layer(parameters) {
            let misfit = own.iter().find_map(|p| match file.tensor(&p.name) {
                Ok(tensor) if tensor.shape() == p.shape && tensor.dtype() == Dtype::F32 => None,
                Ok(tensor) => Some(format!(
                    "`{}` is {:?} {:?} there, and F32 {:?} here",
                    p.name,
                    tensor.dtype(),
                    tensor.shape(),
                    p.shape
                )),
                Err(_) => Some(format!("`{}` is not there", p.name)),
            });
            if let Some(reason) = misfit {
                skipped.push(Skipped { layer: layer.to_string(), reason });
                continue;
            }
            read += 1;
            for p in own {
                let Ok(tensor) = file.tensor(&p.name) else { continue };
                copy(tensor.data(), &mut weights[p.offset..p.offset + p.len()]);
            }
        }
        if read == 0 && !parameters.is_empty() {
            let mut names = file.names();
            names.sort_unstable();
            let first = skipped.first().map_or("", |skipped| &skipped.reason);
            let has = names.join(", ");
            return Err(fail(format!(
                "has the weights of no layer of this network ({first}); it has: {has}"
            )));
        }
        Ok((Self { weights, ..Self::default() }, skipped))
    }
}

/// Copies the numbers of a tensor, little-endian.
fn copy(bytes: &[u8], to: &mut [f32]) {
    let (numbers, _) = bytes.as_chunks();
    for (value, bytes) in to.iter_mut().zip(numbers) {
        *value = f32::from_le_bytes(*bytes);
    }
}

/// The fields of a position apart from the position itself.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The record of what decided the training, as the saving program passed it.
    pub decided: Option<Value>,
}

/// Reads the position of `file`, and its other fields, from `text`. The error says what is wrong
/// with the file.
fn position(file: &SafeTensors<'_>, text: &str) -> std::result::Result<(Position, Recorded), String> {
    let damaged = |e: serde_json::Error| format!("has a damaged position: {e}");
    let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(damaged)?;
    match fields.shift_remove(SHA256) {
        Some(recorded) => {
            let mut tensors = file.tensors();
            tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
            let views = tensors.iter().map(|(name, t)| (name.as_str(), t.shape(), t.data().into()));
            let got = checksum(&fields, views);
            if recorded.as_str() != Some(got.as_str()) {
                return Err(format!(
                    "is damaged, or was changed by another program: its content has the SHA-256 {got}, expected {} as \
                     when it was written",
                    recorded.as_str().unwrap_or("none")
                ));
            }
        }
        None => {
            if let Some(name) = fields.keys().find(|name| !UNSUMMED.contains(&name.as_str())) {
                return Err(format!("has a damaged position, with a field `{name}` and no `{SHA256}`"));
            }
        }
    }
    let decided = fields.shift_remove(DECIDED);
    let position = serde_json::from_value(Value::Object(fields)).map_err(damaged)?;
    Ok((position, Recorded { decided }))
}

/// SHA-256 of the position's JSON and of each tensor's name, shape and bytes, in the order of the names.
fn checksum<'t>(
    position: &Map<String, Value>,
    tensors: impl Iterator<Item = (&'t str, &'t [usize], Cow<'t, [u8]>)>,
) -> String {
    let mut sum = Sha256::new();
    let mut part = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_le_bytes());
        sum.update(bytes);
    };
    part(serde_json::to_string(position).unwrap_or_default().as_bytes());
    for (name, shape, data) in tensors {
        part(name.as_bytes());
        part(format!("{shape:?}").as_bytes());
        part(&data);
    }
    hex(&sum.finalize())
}

/// Reads the tensors named `prefix` + parameter name into an arena. Returns `None` if one is missing, and a message if
/// one has another shape. Nothing is allocated before all tensors are known to exist.
fn arena(
    file: &SafeTensors<'_>,
    prefix: &str,
    parameters: &[Parameter],
) -> std::result::Result<Option<Vec<f32>>, String> {
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
    }
    let len = arena_len(parameters);
    let mut arena = Vec::new();
    arena.try_reserve_exact(len).map_err(|e| format!("{len} numbers do not fit into memory: {e}"))?;
    arena.resize(len, 0.0);
    for p in parameters {
        let Ok(tensor) = file.tensor(&format!("{prefix}{}", p.name)) else { return Ok(None) };
        copy(tensor.data(), &mut arena[p.offset..p.offset + p.len()]);
    }
    Ok(Some(arena))
}

impl Position {
    /// The metrics of the current epoch so far.
    pub fn metrics(&self) -> Metrics {
        self.running.metrics()
    }

    /// Adds a step.
    pub(crate) fn count(&mut self, result: &StepResult) {
        self.step += 1;
        self.running.count(result);
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Position, Tensor};
    use crate::{initializer::Initializer, metrics::RunningMetrics, program::Parameter};

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
            let running = RunningMetrics { loss_sum: n as f64 / 11.0, ..RunningMetrics::default() };
            let position = Position { step: n, running, best: 1.0 / n as f64, ..Position::default() };
            let state = Checkpoint { position, ..Checkpoint::default() };
            let bytes = state.to_bytes(&[]).expect("nothing but a position");
            assert_eq!(Checkpoint::from_bytes("memory", &bytes, &[]).expect("read").position, position);
        }
    }

    fn parameters() -> [Parameter; 1] {
        let initializer = Initializer::Zeros;
        [Parameter { name: "dense_1.bias".into(), shape: vec![3], initializer, offset: 0, trained: true }]
    }

    fn trained() -> Checkpoint {
        let mut weights = vec![0.0; crate::program::arena_len(&parameters())];
        weights[..3].copy_from_slice(&[1.0, -2.0, 0.5]);
        let position = Position { epoch: 3, best: 0.75, ..Position::default() };
        let slots = [("velocity".to_string(), weights.clone())].into();
        Checkpoint { weights, slots, averages: Vec::new(), position }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let state = trained();
        let bytes = state.to_bytes(&parameters()).expect("writes");
        assert_eq!(bytes, state.to_bytes(&parameters()).expect("writes"), "the same bytes each time");
        assert_eq!(Checkpoint::from_bytes("memory", &bytes, &parameters()).expect("reads"), state);
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Checkpoint::from_bytes("memory", &flipped, &parameters()) {
                panic!("bit {bit} of {}: {read:?}", String::from_utf8_lossy(&bytes));
            }
        }
        let mut flipped = bytes.clone();
        flipped[bytes.len() - 1] ^= 1;
        let error =
            Checkpoint::from_bytes("there", &flipped, &parameters()).expect_err("damaged").to_string();
        assert!(error.starts_with("there: is damaged") && error.contains("SHA-256"), "{error}");
    }

    #[test]
    fn a_position_without_a_checksum_is_read_as_it_was_written() {
        let tensor = [("dense_1.bias", Tensor(&[3], &[1.0, 2.0, 3.0]))];
        let read = |key: &str, position: &str| {
            let metadata = [(key.to_string(), position.to_string())].into();
            let bytes = safetensors::serialize(
                tensor.iter().map(|(name, t)| (*name, Tensor(t.0, t.1))),
                Some(metadata),
            )
            .expect("writes");
            Checkpoint::from_bytes_recorded("memory", &bytes, &parameters())
        };
        let old = r#"{"epoch":2,"step":1,"seen":3,"loss_sum":0.5,"hits":1.0,"best":0.25}"#;
        let (state, recorded) = read(super::POSITION, old).expect("reads");
        assert!(recorded.is_some() && state.position.epoch == 2 && state.position.best == 0.25);
        assert!(read("format", "pt").expect("foreign").1.is_none());
        assert!(read("wgrad.posItion", old).is_err());
        assert!(read(super::POSITION, &old.replace("best", "bestt")).is_err());
        assert!(read(super::POSITION, &old.replace('}', r#","sha356":"00"}"#)).is_err());
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let mut state = trained();
        assert_eq!(state.not_finite(&parameters()), None);
        state.slots.get_mut("velocity").expect("there")[2] = f32::INFINITY;
        assert_eq!(
            state.not_finite(&parameters()).as_deref(),
            Some("`optimizer.velocity.dense_1.bias`[2] is inf")
        );
    }
}
