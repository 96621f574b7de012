//! Reads weights of Keras 3: HDF5, in an archive or as a file. Keras orders a layer's tensors as wgrad does, with
//! the same shapes and order of gates, so only their names have to be resolved.

use super::archive;
use crate::keras::node::{Node, Words};
use crate::{
    Result,
    error::{checkpoint_error, io_error},
};
use hdf5_pure::{AttrValue, Dataset, File, Group};
use safetensors::{Dtype, tensor::TensorView};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};
use wgrad::{
    checkpoint::{Checkpoint, Skipped},
    program::{Parameter, by_layer, counted},
};

/// A tensor: its shape and its values.
type Tensor = (Vec<usize>, Vec<f32>);

/// Name of the group of a layer's random state, which holds no weights.
const RANDOM: &str = "seed_generator";

/// Maximum depth and number of groups in a file: links may form circles.
const DEEPEST: usize = 32;
const MOST: usize = 100_000;

/// Limit on the weights in an archive: a multiple of the network's bytes, for the state of an optimizer, plus a
/// constant for HDF5's overhead.
const TIMES: u64 = 8;
const BESIDE: u64 = 64 << 20;

/// True if the name of `path` is that of a Keras file with weights: `.keras` or `.h5`.
pub fn has_weights(path: &Path) -> bool {
    super::is_archive(path) || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("h5"))
}

/// Reads the weights for `parameters` from a `.keras` archive or a `.weights.h5` file, by the names of their
/// layers. Other content of the file is ignored.
///
/// # Errors
/// [`wgrad::Error::Io`]; [`crate::Error::ModelFile`] where the archive's network cannot be read;
/// [`wgrad::Error::Checkpoint`] with the layer or tensor that is missing or has another shape.
pub fn checkpoint(path: &Path, parameters: &[Parameter]) -> Result<Checkpoint> {
    let bytes = safetensors_of(path, tensors(path, parameters)?)?;
    Ok(Checkpoint::from_bytes(&path.display().to_string(), &bytes, parameters)?)
}

/// Reads the weights of the layers that the file has with the names and shapes of `parameters`; see
/// [`Checkpoint::fitting`].
///
/// # Errors
/// [`wgrad::Error::Io`]; [`crate::Error::ModelFile`] where the archive's network cannot be read;
/// [`wgrad::Error::Checkpoint`] if no layer fits, and for a damaged file.
pub fn fitting(path: &Path, parameters: &[Parameter], begin: Vec<f32>) -> Result<(Checkpoint, Vec<Skipped>)> {
    let (tensors, reasons) = match super::is_archive(path) {
        true => (tensors(path, parameters)?, BTreeMap::new()),
        false => {
            let (file, named) = layers_by_name(path)?;
            let (mut tensors, mut reasons) = (BTreeMap::new(), BTreeMap::new());
            for (layer, own) in by_layer(parameters) {
                let Some(group) = named.get(layer) else { continue };
                match of_layer(&file, (layer, group), own) {
                    Ok(own) => tensors.extend(own),
                    Err(Problem::Misfit(reason)) => drop(reasons.insert(layer.to_string(), reason)),
                    Err(Problem::Damaged(message)) => {
                        return Err(checkpoint_error(path.display().to_string(), message));
                    }
                }
            }
            (tensors, reasons)
        }
    };
    let bytes = safetensors_of(path, tensors)?;
    let (checkpoint, mut skipped) =
        Checkpoint::fitting(&path.display().to_string(), &bytes, parameters, begin)?;
    for Skipped { layer, reason } in &mut skipped {
        if let Some(of_file) = reasons.get(layer) {
            reason.clone_from(of_file);
        }
    }
    Ok((checkpoint, skipped))
}

/// Tensors as a safetensors file.
fn safetensors_of(path: &Path, all: BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    let bytes = |values: &Vec<f32>| bytemuck::cast_slice::<f32, u8>(values).to_vec();
    let data: Vec<(String, Vec<usize>, Vec<u8>)> =
        all.into_iter().map(|(name, (shape, values))| (name, shape, bytes(&values))).collect();
    let what = path.display().to_string();
    let fail = |e: safetensors::SafeTensorError| checkpoint_error(what.clone(), e.to_string());
    let views = data.iter().map(|(name, shape, bytes)| {
        Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(fail)?))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, None).map_err(fail)
}

/// Reads the tensors of a `.keras` archive, or those of a `.weights.h5` file that belong to `parameters`, under
/// wgrad's names.
///
/// # Errors
/// The errors of [`checkpoint`].
pub fn tensors(path: &Path, parameters: &[Parameter]) -> Result<BTreeMap<String, Tensor>> {
    let fail = |message: String| checkpoint_error(path.display().to_string(), message);
    if super::is_archive(path) {
        let text = super::config(path)?;
        let model = super::parse(path, &text, None)?.model;
        let graph = super::read(path, &text)?;
        let network = model.parameters()?;
        let bytes: u64 = network.iter().map(|p| 4 * p.len() as u64).sum();
        let limit = bytes.saturating_mul(TIMES).saturating_add(BESIDE);
        let file = open(archive::part(path, archive::WEIGHTS, limit)?).map_err(fail)?;
        let groups = graph.nodes.iter().filter(|node| !node.group.is_empty());
        let groups: Vec<(&str, String)> =
            groups.map(|Node { name, group, .. }| (name.as_str(), group.clone())).collect();
        return of_layers(&file, &groups, &network).map_err(fail);
    }
    let (file, named) = layers_by_name(path)?;
    let mut known: Vec<&str> = named.keys().map(String::as_str).collect();
    known.sort_unstable();
    let groups = by_layer(parameters).map(|(layer, _)| match named.get(layer) {
        Some(group) => Ok((layer, group.clone())),
        None => Err(fail(format!("has no layer `{layer}`; it has {}", known.join(", ")))),
    });
    of_layers(&file, &groups.collect::<Result<Vec<_>>>()?, parameters).map_err(fail)
}

/// Opens a `.weights.h5` file; returns it with the group of each layer.
fn layers_by_name(path: &Path) -> Result<(File, HashMap<String, String>)> {
    let fail = |message: String| checkpoint_error(path.display().to_string(), message);
    let next = "`model.save_weights(\"model.weights.h5\")` of Keras writes such a file";
    let file =
        open(std::fs::read(path).map_err(io_error("cannot read the weights", path, next))?).map_err(fail)?;
    let mut named = HashMap::new();
    names(&file.root(), "", &mut Walk::default(), &mut named).map_err(fail)?;
    if named.is_empty() {
        return Err(fail(format!(
            "holds no layers by name, as Keras 3 writes them; load the model with a newer Keras and save it as \
             model.keras, or turn it into safetensors by scripts/keras_weights.py; {next}"
        )));
    }
    Ok((file, named))
}

fn damaged(error: &hdf5_pure::Error) -> String {
    format!("the weights in it cannot be read: {error}; copy or save the file again")
}

fn open(bytes: Vec<u8>) -> Words<File> {
    File::from_bytes(bytes).map_err(|e| damaged(&e))
}

/// Why the tensors of a layer are not read.
enum Problem {
    /// The file has others than the network.
    Misfit(String),
    /// The file cannot be read.
    Damaged(String),
}

impl Problem {
    fn message(self) -> String {
        let (Self::Misfit(message) | Self::Damaged(message)) = self;
        message
    }
}

/// Reads the tensors of layers; `groups` gives the group of each layer in the file.
fn of_layers(
    file: &File,
    groups: &[(&str, String)],
    parameters: &[Parameter],
) -> Words<BTreeMap<String, Tensor>> {
    let mut all = BTreeMap::new();
    for (layer, parameters) in by_layer(parameters) {
        let Some((_, group)) = groups.iter().find(|(name, _)| *name == layer) else { continue };
        all.extend(of_layer(file, (layer, group), parameters).map_err(Problem::message)?);
    }
    Ok(all)
}

/// Reads the tensors of a layer from its group.
fn of_layer(
    file: &File,
    (layer, group): (&str, &str),
    parameters: &[Parameter],
) -> std::result::Result<Vec<(String, Tensor)>, Problem> {
    let found = file
        .group(group)
        .map_err(|_| Problem::Damaged(format!("has no weights for layer `{layer}` at {group}")))?;
    let mut tensors = Vec::new();
    collect(&found, &mut Walk::default(), &mut tensors).map_err(Problem::Damaged)?;
    let counted =
        tensors.len() == parameters.len() + 1 && tensors.last().is_some_and(|(shape, _)| shape.is_empty());
    if counted && parameters.last().is_some_and(|p| p.name.ends_with(".variance")) {
        // The number of batches that `adapt` of a Normalization saw.
        tensors.pop();
    }
    if tensors.len() != parameters.len() {
        let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        let shapes: Vec<String> = tensors.iter().map(|(shape, _)| format!("{shape:?}")).collect();
        return Err(Problem::Misfit(format!(
            "layer `{layer}` has {} tensors in the file ({}), the network needs {} ({})",
            tensors.len(),
            shapes.join(", "),
            parameters.len(),
            names.join(", ")
        )));
    }
    let read = parameters.iter().zip(tensors).map(|(p, (shape, tensor))| {
        // The shape is checked before the tensor is read: a few bytes may stand for any number of zeros.
        if shape.iter().product::<usize>() != p.len() {
            let message = format!("`{}` is {shape:?}, the model needs {:?}", p.name, p.shape);
            return Err(Problem::Misfit(message));
        }
        let values = tensor.read_f32().map_err(|e| Problem::Damaged(damaged(&e)))?;
        Ok((p.name.clone(), (shape, values)))
    });
    read.collect()
}

/// Current depth in a file's groups, and the number of groups seen.
#[derive(Default)]
struct Walk {
    depth: usize,
    seen: usize,
}

impl Walk {
    /// Runs `visit` one group deeper, and returns its result.
    fn into<T>(&mut self, visit: impl FnOnce(&mut Self) -> Words<T>) -> Words<T> {
        self.seen += 1;
        if self.depth == DEEPEST || self.seen > MOST {
            return Err(format!(
                "holds endlessly nested groups, or more than {MOST}, which no weights of Keras do; copy or save the \
                 file again"
            ));
        }
        self.depth += 1;
        let made = visit(self);
        self.depth -= 1;
        made
    }
}

/// Collects the tensors of a group: its own, in order, then those of the layers within it, forward before backward, and
/// those of an attention in the order of their use.
fn collect(group: &Group, walk: &mut Walk, to: &mut Vec<(Vec<usize>, Dataset)>) -> Words<()> {
    let failed = |e: hdf5_pure::Error| damaged(&e);
    let mut within = group.groups().map_err(failed)?;
    if within.iter().any(|name| name == "vars") {
        let own = group.group("vars").map_err(failed)?;
        let mut names = own.datasets().map_err(failed)?;
        names.sort_by_key(|name| name.parse::<usize>().unwrap_or(usize::MAX));
        for name in names {
            let tensor = own.dataset(&name).map_err(failed)?;
            let axes = tensor.shape().map_err(failed)?;
            let shape: Option<Vec<usize>> = axes.iter().map(|n| usize::try_from(*n).ok()).collect();
            let countable = shape.filter(|s| counted(s).is_ok());
            let shape =
                countable.ok_or_else(|| format!("holds a tensor of shape {axes:?}, which no network has"))?;
            to.push((shape, tensor));
        }
    }
    within.retain(|name| name != "vars" && name != RANDOM);
    let attention = ["query_dense", "key_dense", "value_dense", "output_dense"];
    let place = |name: &str| attention.iter().position(|part| *part == name);
    within.sort_by_key(|name| (name == "backward_layer", place(name), name.clone()));
    within.iter().try_for_each(|name| {
        let inner = group.group(name).map_err(failed)?;
        walk.into(|walk| collect(&inner, walk, to))
    })
}

/// Maps the name of each layer that has one to its group.
fn names(group: &Group, path: &str, walk: &mut Walk, to: &mut HashMap<String, String>) -> Words<()> {
    let failed = |e: hdf5_pure::Error| damaged(&e);
    for name in group.groups().map_err(failed)? {
        let inner = group.group(&name).map_err(failed)?;
        let place = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if name == "vars" {
            if let Some(
                AttrValue::VarLenString(layer) | AttrValue::String(layer) | AttrValue::AsciiString(layer),
            ) = inner.attrs().map_err(failed)?.remove("name")
            {
                to.entry(layer).or_insert_with(|| path.to_string());
            }
        } else {
            walk.into(|walk| names(&inner, &place, walk, to))?;
        }
    }
    Ok(())
}
