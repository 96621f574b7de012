//! Keras's own files: what `model.to_json()` of Keras 3 prints, and `.keras` archives with their weights. Sequential and
//! functional models of the layers that wgrad has become a [`Model`](wgrad::model::Model); what it has not is named,
//! with what is nearest. JSON of Keras 2 is read as well.

mod archive;
mod arguments;
mod calls;
mod classes;
mod compiled;
mod graph;
mod initializers;
mod losses;
mod node;
mod older;
mod weights;

pub use weights::{checkpoint, has_weights, tensors};

use crate::model_file;
use crate::{Error, Result};
use arguments::Aside;
use graph::Graph;
use node::Node;
use serde_json::Value;
use std::{collections::HashMap, path::Path};
use wgrad::{
    layers::Layer,
    loss::{self, Loss},
    model::Model,
    text::read_text,
};
use wgrad_files::format::{self, Format};

/// A model as Keras described it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network.
    pub model: Model,
    /// What was left out, and what to use instead; a line each.
    pub notes: Vec<String>,
    /// Why it cannot be trained on the loss that it was compiled with: a sentence that goes on from the network. It is not
    /// trained on another one unless that is asked for.
    pub missing_loss: Option<String>,
    /// Initialisers that wgrad has not: the layer, which, and what wgrad has; a sentence each. Where weights are handed
    /// over they decide nothing.
    pub initializers: Vec<String>,
}

/// Whether `path` is one of Keras's files by its name: `.json` or `.keras`.
pub fn is_keras(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) || is_archive(path)
}

/// Whether `path` is a `.keras` archive by its name: a network with weights.
pub fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("keras"))
}

/// Reads a network. `image` is the shape of the images at hand, (height, width, channels): a network that takes
/// one axis, such as 784 numbers, gets them from images of this shape where it holds as many.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be read; [`Error::ModelFile`] that names the layer, what it says and what wgrad
/// takes.
pub fn load(path: &Path, image: [usize; 3]) -> Result<Loaded> {
    parse(path, &config(path)?, image)
}

/// Makes a model of the text of a JSON file; `path` names it in errors.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str, image: [usize; 3]) -> Result<Loaded> {
    let fail = |message: String| Error::ModelFile { path: path.to_owned(), line: None, message };
    let graph = read(path, text)?;
    let shape = graph::image_shape(&graph, image).map_err(fail)?;
    let mut model = Model::new(&graph.name, shape);
    let mut before = wgrad::model::INPUT.to_string();
    // Axes are counted from the front, too, where Keras says nothing of shapes: what each layer gives is known here.
    let mut shapes = HashMap::from([(before.clone(), shape.to_vec())]);
    let mut aside = Aside::default();
    for node in &graph.nodes {
        let taken: Option<Vec<Vec<usize>>> =
            node.inputs.iter().map(|name| shapes.get(name).cloned()).collect();
        let taken = taken.unwrap_or_default();
        let rank = node.rank.or(taken.first().map(|shape| shape.len() + 1));
        let layer = layer(node, rank, &mut aside).map_err(|e| fail(format!("{}: {e}", node.label())))?;
        let rules = layer.rules();
        let given = match &taken[..] {
            [one] if !rules.joins() => rules.output_shape(one),
            several => rules.joined_shape(several),
        };
        // What does not fit is told of the whole network, below.
        if let (Ok(given), false) = (given, taken.is_empty()) {
            shapes.insert(node.name.clone(), given);
        }
        if node.inputs != [before.clone()] {
            model.inputs.insert(model.layers.len(), node.inputs.clone());
        }
        model = model.add(layer);
        before.clone_from(&node.name);
    }
    let mut notes = graph.notes;
    notes.extend(aside.half_note());
    let mut compiled = graph.compiled;
    if let (Some(loss), Some(from_logits)) = (compiled.loss, compiled.from_logits) {
        let own = loss.activation();
        let what = match (from_logits, model.ends_in(own)) {
            (true, true) => Some(format!(
                "was compiled with the loss {loss} of logits (from_logits=True), and ends in {own}, which gives no logits: \
                 one of the two is wrong"
            )),
            (false, false) => Some(format!(
                "was compiled with the loss {loss} of probabilities (from_logits=False), and ends in no {own}, so that \
                 it gives none: one of the two is wrong"
            )),
            _ => None,
        };
        if what.is_some() {
            (compiled.loss, compiled.missing) = (None, what);
        }
    }
    notes.append(&mut compiled.notes);
    if let Some(what) = &compiled.missing {
        notes.push(format!("it {what}; `.loss` takes {}", loss::NAMES));
    }
    let several = model
        .place()
        .ok()
        .and_then(|(placed, _)| Some(placed.last()?.place.output.iter().product::<usize>()));
    // Softmax's is what a network with one output a class is trained on by itself.
    model.loss = compiled.loss.filter(|loss| *loss != Loss::SoftmaxCrossEntropy);
    match (compiled.loss, several) {
        (Some(Loss::BinaryCrossEntropy), Some(outputs)) if outputs > 1 => {
            return Err(fail(format!(
                "was compiled with binary_crossentropy for {outputs} outputs, each of which tells a label of its own \
                 (multi-label); wgrad trains one label an example: end with one sigmoid unit for two classes, or with softmax"
            )));
        }
        (None, Some(outputs)) if outputs > 1 && model.ends_in("sigmoid") => notes.push(format!(
            "it ends in sigmoid with {outputs} outputs, as networks for several labels at once do; here one of the \
             {outputs} classes is trained for each example, by softmax over these outputs"
        )),
        _ => {}
    }
    model.summary().map_err(|e| model_file::in_file(path, &[], e))?;
    Ok(Loaded { model, notes, missing_loss: compiled.missing, initializers: aside.initializers })
}

/// The graph of the text of a JSON file.
fn read(path: &Path, text: &str) -> Result<Graph> {
    let fail = |line, message: String| Error::ModelFile { path: path.to_owned(), line, message };
    let config: Value = serde_json::from_str(text).map_err(|e| {
        fail(Some(e.line()).filter(|n| *n > 0), format!("is no JSON: {e}; write it with `model.to_json()`"))
    })?;
    graph::of(&config).map_err(|message| fail(None, message))
}

/// The JSON of a file: itself, or the part of an archive.
fn config(path: &Path) -> Result<String> {
    match (format::of(path), is_archive(path)) {
        (None | Some(Format::KerasArchive | Format::Zip), true) => archive::text(path, archive::CONFIG),
        (None | Some(Format::KerasJson | Format::Json | Format::Utf16), false) => {
            let next = "`model.to_json()` of Keras prints what belongs there";
            Ok(read_text(path, "cannot read the model", next)?)
        }
        (Some(other), _) => Err(model_file::other_format(path, other)),
    }
}

/// The layer of a node, or in words what does not fit.
fn layer(node: &Node, rank: Option<usize>, aside: &mut Aside) -> std::result::Result<Layer, String> {
    let (kind, mut config) = classes::known(node)?;
    // An operation becomes a layer with arguments of its own.
    if let Some(dtype) = node.config.get("dtype").filter(|_| node.operation) {
        config.insert("dtype".into(), dtype.clone());
    }
    config.insert("name".into(), node.name.clone().into());
    let before = aside.initializers.len();
    let table = arguments::table(&kind, &config, rank, aside)?;
    for said in &mut aside.initializers[before..] {
        *said = format!("{}: {said}", node.label());
    }
    match Layer::from_table(&kind, table) {
        Some(layer) => layer.map_err(|e| arguments::explain(&kind, &model_file::said(&e), &config)),
        None => Err(classes::missing(&node.class)),
    }
}
