//! Weights as Keras 3 writes them: HDF5, in an archive or by itself. Keras orders a layer's tensors as wgrad does and
//! gives them the same shapes and order of gates, so that only their names have to be found.

use super::{
    archive,
    graph::{Node, Words},
};
use crate::{Error, Result, checkpoint::Checkpoint, data::io_error, program::Parameter};
use hdf5_pure::{AttrValue, File, Group};
use safetensors::{Dtype, tensor::TensorView};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// A tensor: its shape and its numbers.
type Tensor = (Vec<usize>, Vec<f32>);

/// Where the random state of layers is kept, which is no weight.
const RANDOM: &str = "seed_generator";

/// Whether `path` holds Keras's weights by its name: `.keras` or `.h5`.
pub fn has_weights(path: &Path) -> bool {
    super::is_archive(path) || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("h5"))
}

/// Weights for `parameters` from a `.keras` archive or a `.weights.h5` file, by the names of their layers. What the
/// file holds beside them is ignored.
///
/// # Errors
/// [`Error::Io`], [`Error::ModelFile`] where the archive's network cannot be read, [`Error::Checkpoint`] that names the
/// layer or tensor which is missing or has another shape.
pub fn checkpoint(path: &Path, parameters: &[Parameter]) -> Result<Checkpoint> {
    let all = tensors(path, parameters)?;
    let bytes = |values: &Vec<f32>| bytemuck::cast_slice::<f32, u8>(values).to_vec();
    let data: Vec<(String, Vec<usize>, Vec<u8>)> =
        all.into_iter().map(|(name, (shape, values))| (name, shape, bytes(&values))).collect();
    let what = path.display().to_string();
    let fail =
        |e: safetensors::SafeTensorError| Error::Checkpoint { what: what.clone(), message: e.to_string() };
    let views = data.iter().map(|(name, shape, bytes)| {
        Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(fail)?))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).map_err(fail)?;
    Checkpoint::from_bytes(&what, &bytes, parameters)
}

/// The tensors of a `.keras` archive, or those of a `.weights.h5` file that belong to `parameters`, under wgrad's names.
///
/// # Errors
/// As [`checkpoint`].
pub fn tensors(path: &Path, parameters: &[Parameter]) -> Result<BTreeMap<String, Tensor>> {
    let fail = |message: String| Error::Checkpoint { what: path.display().to_string(), message };
    if super::is_archive(path) {
        let text = super::config(path)?;
        let model = super::parse(path, &text, [28, 28, 1])?.model;
        let graph = super::read(path, &text)?;
        let file = open(archive::part(path, archive::WEIGHTS)?).map_err(fail)?;
        let groups = graph.nodes.iter().filter(|node| !node.group.is_empty());
        let groups: Vec<(&str, String)> =
            groups.map(|Node { name, group, .. }| (name.as_str(), group.clone())).collect();
        return of_layers(&file, &groups, &model.parameters()?).map_err(fail);
    }
    let next = "`model.save_weights(\"model.weights.h5\")` of Keras writes such a file";
    let file =
        open(std::fs::read(path).map_err(io_error("cannot read the weights", path, next))?).map_err(fail)?;
    let mut named = HashMap::new();
    names(&file.root(), "", &mut named).map_err(|e| fail(damaged(&e)))?;
    if named.is_empty() {
        return Err(fail(format!(
            "holds no layers by name, as Keras 3 writes them; load the model with a newer Keras and save it as \
             model.keras, or turn it into safetensors by scripts/keras_weights.py; {next}"
        )));
    }
    let layers = by_layer(parameters);
    let mut known: Vec<&str> = named.keys().map(String::as_str).collect();
    known.sort_unstable();
    let groups = layers.iter().map(|(layer, _)| match named.get(*layer) {
        Some(group) => Ok((*layer, group.clone())),
        None => Err(fail(format!("has no layer `{layer}`; it has {}", known.join(", ")))),
    });
    of_layers(&file, &groups.collect::<Result<Vec<_>>>()?, parameters).map_err(fail)
}

fn damaged(error: &hdf5_pure::Error) -> String {
    format!("the weights in it cannot be read: {error}; copy or save the file again")
}

fn open(bytes: Vec<u8>) -> Words<File> {
    File::from_bytes(bytes).map_err(|e| damaged(&e))
}

/// The parameters of each layer, both in order.
fn by_layer(parameters: &[Parameter]) -> Vec<(&str, Vec<&Parameter>)> {
    let mut layers: Vec<(&str, Vec<&Parameter>)> = Vec::new();
    for parameter in parameters {
        let layer = parameter.name.rsplit_once('.').map_or("", |(layer, _)| layer);
        match layers.last_mut() {
            Some((last, all)) if *last == layer => all.push(parameter),
            _ => layers.push((layer, vec![parameter])),
        }
    }
    layers
}

/// The tensors of layers, each with the group that it has in the file.
fn of_layers(
    file: &File,
    groups: &[(&str, String)],
    parameters: &[Parameter],
) -> Words<BTreeMap<String, Tensor>> {
    let mut all = BTreeMap::new();
    for (layer, parameters) in by_layer(parameters) {
        let Some((_, group)) = groups.iter().find(|(name, _)| *name == layer) else { continue };
        let found =
            file.group(group).map_err(|_| format!("has no weights for layer `{layer}` at {group}"))?;
        let mut tensors = Vec::new();
        collect(&found, &mut tensors).map_err(|e| damaged(&e))?;
        if tensors.len() != parameters.len() {
            let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
            let shapes: Vec<String> = tensors.iter().map(|(shape, _)| format!("{shape:?}")).collect();
            return Err(format!(
                "layer `{layer}` has {} tensors in the file ({}), the network needs {} ({})",
                tensors.len(),
                shapes.join(", "),
                parameters.len(),
                names.join(", ")
            ));
        }
        all.extend(parameters.into_iter().zip(tensors).map(|(p, tensor)| (p.name.clone(), tensor)));
    }
    Ok(all)
}

/// The tensors of a group: its own, in order, then those of the layers within it, the way there before the way back.
fn collect(group: &Group, to: &mut Vec<Tensor>) -> std::result::Result<(), hdf5_pure::Error> {
    let mut within = group.groups()?;
    if within.iter().any(|name| name == "vars") {
        let own = group.group("vars")?;
        let mut names = own.datasets()?;
        names.sort_by_key(|name| name.parse::<usize>().unwrap_or(usize::MAX));
        for name in names {
            let tensor = own.dataset(&name)?;
            to.push((tensor.shape()?.into_iter().map(|n| n as usize).collect(), tensor.read_f32()?));
        }
    }
    within.retain(|name| name != "vars" && name != RANDOM);
    within.sort_by_key(|name| (name == "backward_layer", name.clone()));
    within.iter().try_for_each(|name| collect(&group.group(name)?, to))
}

/// By the name of each layer that has one: its group.
fn names(
    group: &Group,
    path: &str,
    to: &mut HashMap<String, String>,
) -> std::result::Result<(), hdf5_pure::Error> {
    for name in group.groups()? {
        let inner = group.group(&name)?;
        let place = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if name == "vars" {
            if let Some(
                AttrValue::VarLenString(layer) | AttrValue::String(layer) | AttrValue::AsciiString(layer),
            ) = inner.attrs()?.remove("name")
            {
                to.entry(layer).or_insert_with(|| path.to_string());
            }
        } else {
            names(&inner, &place, to)?;
        }
    }
    Ok(())
}
