//! Keras's own files: the output of `model.to_json()` of Keras 3, and `.keras` archives with their weights.
//! Sequential and functional models become a [`Model`](wgrad::model::Model), if wgrad has their layers. Others are
//! reported with the closest alternative. JSON of Keras 2 is supported as well.

mod archive;
mod arguments;
mod calls;
mod classes;
mod compiled;
mod graph;
mod regularization;
mod initializers;
mod losses;
mod masks;
mod node;
mod older;
mod torch;
mod weights;
mod writing;

pub use weights::{checkpoint, fitting, has_weights, tensors};
pub use writing::weights_bytes;

use crate::model_file;
use crate::regularization::Regularization;
use crate::{Error, Result};
use arguments::Aside;
use graph::Graph;
use losses::Compiled;
use node::{Mask, Node};
use serde_json::Value;
use std::{collections::HashMap, path::Path};
use wgrad::{
    layers::Layer,
    loss::{self, Loss},
    model::{Head, Model},
    optim::Optimizer,
    preprocessing::{MOST_CHANNELS, Normalization, Preprocessing},
    text::read_text,
};
use wgrad_files::format::{self, Format};

/// A model read from a file of Keras.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network.
    pub model: Model,
    /// Notes about what was left out, and what to use instead; one line each.
    pub notes: Vec<String>,
    /// The reason why the network cannot be trained on the loss that it was compiled with, as the predicate of a
    /// sentence whose subject is the network. It is not trained on another loss unless you ask for it.
    pub missing_loss: Option<String>,
    /// Initialisers that wgrad lacks: one sentence each, with the layer, the initialiser, and wgrad's alternatives.
    /// They do not matter where weights are given.
    pub initializers: Vec<String>,
    /// Shape of the input as in Keras, without the batch: one to four axes. The number of all values where the network
    /// has several inputs.
    pub input: Vec<usize>,
    /// Name and shape of each input, in the order in which a row has their values.
    pub inputs: Vec<(String, Vec<usize>)>,
    /// True if Keras's network divides its input by 255, in a layer that is left out here, as bytes are divided on the
    /// device.
    pub rescaled: bool,
    /// The notes about layers that act on results and were left out; the other notes are about compile arguments and
    /// images.
    pub left_out: Vec<String>,
    /// The optimizer that the network was compiled with, with its numbers; a schedule of its learning rate is not read.
    pub optimizer: Option<Optimizer>,
    /// The reason why the network cannot be trained with the optimizer that it was compiled with, as the predicate of a
    /// sentence whose subject is the network.
    pub missing_optimizer: Option<String>,
    /// True if labels are rows with a 1 at their class, as `categorical_crossentropy` takes them.
    pub one_hot: bool,
    /// Label smoothing of the loss.
    pub label_smoothing: f64,
    /// Of several outputs: whether the labels of each are rows with a 1 at their class.
    pub one_hot_outputs: Vec<bool>,
    /// True if the outputs are a dictionary, not a list.
    pub keyed: bool,
}

impl Loaded {
    /// The format of inputs that have Keras's values, bytes or floats, with class indices as labels. Floats are used
    /// unchanged, also if the network is [`Loaded::rescaled`]. `None` if bytes cannot be used: a network without
    /// rescaling takes them as numbers from 0 to 255, of at most four channels.
    pub fn preprocessing(&self, floats: bool) -> Option<Preprocessing> {
        let channels = self.model.input_shape[2];
        // Words are whole numbers, which bytes divided by 255 are not.
        let words = || self.model.words().is_ok_and(|words| !words.is_empty());
        if !floats && (self.inputs.len() > 1 || words()) {
            return None;
        }
        let normalization = match floats || self.rescaled {
            true => None,
            false if channels > MOST_CHANNELS => return None,
            false => {
                Some(Normalization { mean: vec![0.0; channels], deviation: vec![1.0 / 255.0; channels] })
            }
        };
        Some(Preprocessing { floats, numbers: false, normalization })
    }
}

/// True if the name of `path` is that of a Keras file: `.json` or `.keras`.
pub fn is_keras(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) || is_archive(path)
}

/// True if the name of `path` is that of a `.keras` archive: a network with weights.
pub fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("keras"))
}

/// Reads a network. `image` is the shape of the available images, (height, width, channels). A network that takes
/// one axis, such as 784 numbers, gets images of this shape if they have as many numbers; without `image`, the numbers
/// are the channels of one pixel.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be read; [`Error::ModelFile`] with the layer, its unsupported content
/// and the supported alternatives.
pub fn load(path: &Path, image: Option<[usize; 3]>) -> Result<Loaded> {
    parse(path, &config(path)?, image)
}

/// Builds a model from the text of a JSON file; `path` names it in errors.
///
/// # Errors
/// The errors of [`load`].
pub fn parse(path: &Path, text: &str, image: Option<[usize; 3]>) -> Result<Loaded> {
    let fail = |message: String| Error::ModelFile { path: path.to_owned(), line: None, message };
    let graph = read(path, text)?;
    let shape = graph::image_shape(&graph, image).map_err(fail)?;
    let mut model = Model::new(&graph.name, shape);
    let mut before = wgrad::model::INPUT.to_string();
    // Axes may be counted from the front even where Keras gives no shapes: the output shape of each layer is known
    // here.
    let mut shapes = HashMap::from([(before.clone(), shape.to_vec())]);
    let mut aside = Aside::default();
    let mut masked: HashMap<String, Mask> = HashMap::new();
    for node in &graph.nodes {
        let taken: Option<Vec<Vec<usize>>> =
            node.inputs.iter().map(|name| shapes.get(name).cloned()).collect();
        let taken = taken.unwrap_or_default();
        let rank = node.rank.or(taken.first().map(|shape| shape.len() + 1));
        let (layer, held) =
            layer(node, rank, &mut aside).map_err(|e| fail(format!("{}: {e}", node.label())))?;
        let of_inputs: Vec<Option<&Mask>> = node.inputs.iter().map(|name| masked.get(name)).collect();
        if let Some(given) = &node.mask {
            masks::check(given, of_inputs.first().copied().flatten())
                .map_err(|e| fail(format!("{} {e}", node.label())))?;
        }
        let made = masks::of_output(&layer, &node.inputs, &of_inputs);
        masked.extend(made.map(|mask| (node.name.clone(), mask)));
        let index = model.layers.len();
        held.give(&mut model, index);
        let rules = layer.rules();
        let given = match &taken[..] {
            [one] if !rules.joins() => rules.output_shape(one),
            several => rules.joined_shape(several),
        };
        // Only of inputs that fit does a layer know its tensors.
        let has_tensors = match taken.first().filter(|_| given.is_ok()) {
            Some(first) => !rules.joined_parameters(&taken).is_empty() || !rules.states(first).is_empty(),
            None => false,
        };
        // An error about shapes is reported for the whole network, below.
        if let (Ok(given), false) = (given, taken.is_empty()) {
            shapes.insert(node.name.clone(), given);
        }
        if node.inputs != [before.clone()] && node.class != "InputLayer" {
            model.inputs.insert(model.layers.len(), node.inputs.clone());
        }
        model = model.add(layer);
        if !node.trained() {
            model = model.frozen();
        }
        // Keras calls layers without tensors again, too.
        if let Some(first) = node.shares.as_ref().filter(|_| has_tensors) {
            model = model.sharing(first);
            model.regularizers.remove(&index);
            model.constraints.remove(&index);
        }
        before.clone_from(&node.name);
    }
    let Graph { mut notes, mut left_out, compiled, input, inputs, rescaled, outputs, keyed, .. } = graph;
    let head = |(name, layer): (String, String)| Head {
        name: Some(name).filter(|name| *name != layer),
        ..Head::new(&layer)
    };
    model.heads = outputs.into_iter().map(head).collect();
    notes.extend(aside.half_note());
    left_out.extend(aside.half_note());
    let about = About { notes, initializers: aside.initializers, input, inputs, rescaled, left_out, keyed };
    settled(path, model, compiled, about)
}

/// A network from another program, of which Keras's `compile` arguments are known: `text` is the JSON of an object with
/// `compile_config`, as in the files of Keras. Its loss and optimizer may also be PyTorch's: objects whose `module` is
/// `torch.nn` or `torch.optim`, with the arguments of the class as `config`. `input` is the shape of an input, without the batch; `path` names the
/// network in errors.
///
/// # Errors
/// [`Error::ModelFile`] if the text is not JSON, or if the arguments do not fit the network.
pub fn compiled_as(path: &Path, model: Model, input: Vec<usize>, text: &str) -> Result<Loaded> {
    let config: Value = serde_json::from_str(text).map_err(|e| Error::ModelFile {
        path: path.to_owned(),
        line: None,
        message: format!(
            "got compile arguments that are not JSON: {e}; Keras's `get_compile_config` has them"
        ),
    })?;
    settled(path, model, compiled::of(&config, &[], false), About { input, ..About::default() })
}

/// What is known of a network besides its layers and its compile arguments.
#[derive(Default)]
struct About {
    notes: Vec<String>,
    initializers: Vec<String>,
    input: Vec<usize>,
    inputs: Vec<(String, Vec<usize>)>,
    rescaled: bool,
    left_out: Vec<String>,
    keyed: bool,
}

/// Gives several outputs the losses that they were compiled with.
fn settled_heads(model: &mut Model, compiled: &mut Compiled) -> wgrad::Result<Vec<bool>> {
    for (head, (own, weight)) in model.heads.iter_mut().zip(&compiled.heads) {
        (head.loss, head.weight) = (own.loss, *weight);
    }
    let outputs = model.several_outputs()?;
    for (output, (own, _)) in outputs.iter().zip(&compiled.heads) {
        let (name, loss, activation) = (&output.name, output.loss, output.loss.activation());
        if own.from_logits == Some(output.ends_in_loss) && compiled.missing.is_none() {
            let of = if output.ends_in_loss {
                "logits (from_logits=True)"
            } else {
                "probabilities (from_logits=False)"
            };
            let ends = if output.ends_in_loss { "ends" } else { "does not end" };
            compiled.missing = Some(format!(
                "was compiled with the loss {loss} of {of} for its output `{name}`, which {ends} in {activation}: one of \
                 the two is wrong"
            ));
        }
    }
    let given = !compiled.heads.is_empty();
    let one_hot = |n: usize| compiled.heads.get(n).is_some_and(|(own, _)| own.one_hot);
    let found = (0..model.heads.len()).map(one_hot).collect();
    if !given {
        compiled.notes.push(
            "its outputs have the losses that follow from their activations: it was not compiled".into(),
        );
    }
    Ok(found)
}

/// Gives a network the loss that it was compiled with, and says what does not fit.
fn settled(path: &Path, mut model: Model, mut compiled: Compiled, about: About) -> Result<Loaded> {
    let About { mut notes, initializers, input, inputs, rescaled, left_out, keyed } = about;
    let in_file = |e| model_file::in_file(path, &[], e);
    let one_hot_outputs = match model.heads.is_empty() {
        true => Vec::new(),
        false => settled_heads(&mut model, &mut compiled).map_err(in_file)?,
    };
    if let (Some(loss), Some(from_logits)) = (compiled.loss, compiled.from_logits) {
        let own = loss.activation();
        let what = match (from_logits, model.ends_in(own)) {
            (true, true) => Some(format!(
                "was compiled with the loss {loss} of logits (from_logits=True), but ends in {own}, which gives no logits: \
                 one of the two is wrong"
            )),
            (false, false) => Some(format!(
                "was compiled with the loss {loss} of probabilities (from_logits=False), but does not end in {own}, so \
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
    // Softmax cross-entropy is the default for a network with one output per class.
    model.loss = compiled.loss.filter(|loss| *loss != Loss::SoftmaxCrossEntropy);
    match (compiled.loss, several) {
        (None, Some(outputs)) if outputs > 1 && model.heads.is_empty() && model.ends_in("sigmoid") => notes.push(format!(
            "it ends in sigmoid with {outputs} outputs, like networks for several labels at once; here one of the \
             {outputs} classes is trained for each example, by softmax over these outputs"
        )),
        _ => {}
    }
    model.summary().map_err(in_file)?;
    let inputs = if inputs.is_empty() { model.several_inputs()? } else { inputs };
    Ok(Loaded {
        model,
        notes,
        missing_loss: compiled.missing,
        initializers,
        input,
        inputs,
        rescaled,
        left_out,
        optimizer: compiled.optimizer,
        missing_optimizer: compiled.missing_optimizer,
        one_hot: compiled.one_hot,
        label_smoothing: compiled.label_smoothing,
        one_hot_outputs,
        keyed,
    })
}

/// Reads the graph from the text of a JSON file.
fn read(path: &Path, text: &str) -> Result<Graph> {
    let fail = |line, message: String| Error::ModelFile { path: path.to_owned(), line, message };
    let config: Value = serde_json::from_str(text).map_err(|e| {
        fail(Some(e.line()).filter(|n| *n > 0), format!("is not JSON: {e}; write it with `model.to_json()`"))
    })?;
    graph::of(&config).map_err(|message| fail(None, message))
}

/// The JSON of a file: its text, or a part of the archive.
fn config(path: &Path) -> Result<String> {
    match (format::of(path), is_archive(path)) {
        (None | Some(Format::KerasArchive | Format::Zip), true) => archive::text(path, archive::CONFIG),
        (None | Some(Format::KerasJson | Format::Json | Format::Utf16), false) => {
            let next = "`model.to_json()` of Keras prints such a file";
            Ok(read_text(path, "cannot read the model", next)?)
        }
        (Some(other), _) => Err(model_file::other_format(path, other)),
    }
}

/// Converts a node to a layer, or describes in words why that fails.
fn layer(
    node: &Node,
    rank: Option<usize>,
    aside: &mut Aside,
) -> std::result::Result<(Layer, Regularization), String> {
    let (kind, mut config) = classes::known(node)?;
    // An operation becomes a layer with other arguments.
    if let Some(dtype) = node.config.get("dtype").filter(|_| node.operation) {
        config.insert("dtype".into(), dtype.clone());
    }
    config.insert("name".into(), node.name.clone().into());
    let before = aside.initializers.len();
    let mut table = arguments::table(&kind, &config, rank, aside)?;
    for said in &mut aside.initializers[before..] {
        *said = format!("{}: {said}", node.label());
    }
    let held = crate::regularization::take(&kind, &mut table)?;
    match Layer::from_table(&kind, table) {
        Some(Ok(layer)) => Ok((layer, held)),
        Some(Err(e)) => Err(arguments::explain(&kind, &crate::error::said(&e), &config)),
        None => Err(classes::missing(&node.class)),
    }
}
