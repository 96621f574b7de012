//! Imports ONNX files as networks of wgrad. The importer follows the values of the file through its nodes, with the
//! order of their axes. Therefore transposes cost nothing, and channels come last in wgrad with any order in the
//! file; weights are transposed to match.

mod attention;
mod axes;
mod constants;
mod factors;
mod flow;
mod gates;
mod heads;
mod join;
mod known;
mod late;
mod layers;
mod moved;
mod network;
mod nodes;
mod normal;
mod operator;
mod operators;
mod order;
mod origins;
mod parts;
mod pointwise;
mod product;
mod recurrent;
mod sequence;
mod shapes;
mod table;
mod views;
mod weights;
mod window;
mod written;

use super::{
    attributes::Node,
    export::{LIGHT_ON_DARK, LOGITS, Layout},
    proto::{GraphProto, ModelProto, NodeProto, kind},
    tensor::{ROOM, Tensor},
};
use crate::onnx::table::MISSING;
use crate::{Error, Result};
use flow::{Axis, Flow, Value};
use network::Network;
pub use operators::OPERATORS;
pub use origins::{NOWHERE, origins};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use wgrad::{
    layers::{ActivationName, InputLayer, Layer},
    loss::Loss,
    model::Model,
    preprocessing::Preprocessing,
    program::arena_len,
    words::printable_line,
};
use wgrad_data::{pictures::Preparation, reading::Missing, table::Table};
use written::Step;

type Said<T> = std::result::Result<T, String>;

/// Facts that a file leaves open.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name of the network, of which 80 characters are kept; `imported` by default.
    pub name: Option<String>,
    /// (height, width, channels) of an image, where the file's input is flat or has variable lengths.
    pub input_shape: Option<[usize; 3]>,
    /// The order of the input's axes, where the file leaves it open.
    pub layout: Option<Layout>,
    /// Name of the network's output; `logits` or the first output by default.
    pub output: Option<String>,
    /// Mean and deviation of the training images, for a network that takes (image - mean) / deviation.
    pub moments: Option<[f32; 2]>,
    /// True if the file was exported for training: its `Dropout` drops, and a `LogSoftmax` at its end, which the loss
    /// computes, is left out.
    pub training: bool,
}

/// An imported network.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network.
    pub model: Model,
    /// Format of the input: floats for the rows of a table that the file describes; the default otherwise.
    pub input: Preprocessing,
    /// The weights, as one arena.
    pub weights: Vec<f32>,
    /// The names of the classes, where the file has them.
    pub classes: Option<Vec<String>>,
    /// Specification of the training data, where the file has it, as a user would write it.
    pub data: Option<String>,
    /// Encoding of a table's rows as the network's input, where wgrad wrote the file and included it.
    pub table: Option<Table>,
    /// Treatment of missing values in such rows, where the file has it.
    pub missing: Option<Missing>,
    /// Digest of the training data.
    pub digest: Option<String>,
    /// Preparation of every picture, where wgrad wrote the file and included it.
    pub preparation: Option<Preparation>,
    /// True if pictures are first made light on dark, as those of MNIST are; only files of wgrad say so.
    pub light_on_dark: bool,
    /// True if the file takes bytes and divides them by 255 itself.
    pub bytes: bool,
    /// True if the channels of an image, or the features of a sequence, are the first axis after the batch in the file.
    pub channels_first: bool,
    /// True if a `LogSoftmax` at the end was left out.
    pub log_softmax: bool,
}

/// Oldest supported version of ONNX's operators. In earlier versions, some had other defaults.
const OLDEST: i64 = 7;

/// Maximum number of layers; practical networks stay far below it.
const MOST_LAYERS: usize = 4096;

/// Imports the network of a file; `what` names the file in errors.
///
/// # Errors
/// [`Error::Onnx`] with the node that is not supported and the reason; [`wgrad::Error::Model`] where the layers do
/// not fit each other.
pub fn import(what: &str, file: &ModelProto, options: &Options) -> Result<Imported> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message: printable_line(&message) };
    let graph = file.graph.as_ref().ok_or_else(|| fail("has no graph".into()))?;
    let mut import = Import::new(graph, file, options).map_err(fail)?;
    for step in std::mem::take(&mut import.steps) {
        import.step(&step).map_err(fail)?;
    }
    let model = import.finish(options).map_err(fail)?;
    let parameters = model.parameters()?;
    let mut weights = vec![0.0; arena_len(&parameters)];
    for p in &parameters {
        let tensor =
            import.network.weights.get(&p.name).ok_or_else(|| fail(format!("nothing gives `{}`", p.name)))?;
        let numbers = tensor.reals().map_err(|m| fail(format!("`{}`: {m}", p.name)))?;
        if numbers.len() != p.len() {
            return Err(fail(format!(
                "`{}` has the shape {:?}, the layer needs {:?}",
                p.name, tensor.shape, p.shape
            )));
        }
        weights[p.offset..p.offset + p.len()].copy_from_slice(numbers);
    }
    let classes: Option<Vec<String>> =
        file.metadata("classes").and_then(|text| serde_json::from_str(text).ok());
    let classes = classes.map(|names| names.iter().map(|name| printable_line(name)).collect());
    let prepared = file.metadata("input.preparation");
    let metadata = |key: &str| file.metadata(key).map(String::from);
    Ok(Imported {
        model,
        input: import.input(),
        weights,
        classes,
        data: metadata("data.spec"),
        digest: metadata("data.sha256").filter(|digest| !digest.is_empty()),
        table: import.table,
        missing: file.metadata(MISSING).and_then(|text| text.parse().ok()),
        preparation: prepared.and_then(|text| serde_json::from_str(text).ok()),
        light_on_dark: prepared == Some(LIGHT_ON_DARK),
        bytes: import.bytes,
        channels_first: import.channels_first,
        log_softmax: import.log_softmax,
    })
}

/// The shortest decimal number with the file's f32 value.
fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// The name of a node, or of its first output.
fn name_of(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

/// A message preceded by the node's name and operator.
fn located(node: &NodeProto, message: &str) -> String {
    format!("node `{}` ({}): {message}", name_of(node), node.op_type)
}

/// An import in progress.
struct Import<'a> {
    values: BTreeMap<&'a str, Value>,
    /// The nodes that give the values which are views.
    late: BTreeMap<&'a str, &'a NodeProto>,
    network: Network,
    steps: Vec<Step<'a>>,
    uses: BTreeMap<&'a str, usize>,
    /// Outputs of a node after its first, with the node's operator.
    later: BTreeMap<&'a str, &'a str>,
    output: &'a str,
    batch: Option<usize>,
    loss: Option<Loss>,
    table: Option<Table>,
    /// True if a table is looked up by the input.
    words: bool,
    /// True if there are several inputs.
    several: bool,
    /// True if several nodes take one tensor of the file.
    again: bool,
    bytes: bool,
    channels_first: bool,
    log_softmax: bool,
    /// Number of elements that constants may still be expanded to.
    room: usize,
    /// Maximum number of elements of all layers' weights.
    most_weights: usize,
}

impl<'a> Import<'a> {
    fn new(graph: &'a GraphProto, file: &ModelProto, options: &Options) -> Said<Self> {
        let opset = file.opset();
        if opset < OLDEST {
            return Err(format!(
                "has operators of version {opset}, expected {OLDEST} (2017) or later; bring it to a newer one by \
                 `onnx.version_converter.convert_version(model, 17)`"
            ));
        }
        let output = chosen_output(graph, options)?;
        let initializers: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
        if initializers.len() < graph.initializer.len() {
            return Err("has two tensors of the same name".into());
        }
        let mut nodes = order::needed(graph, output, None)?;
        let own = table::of(graph, file, &nodes, output);
        let output = own.as_ref().map_or(output, |own| own.output);
        if let Some(own) = &own {
            nodes = order::needed(graph, output, Some(own.input))?;
        }
        let steps = written::steps(&nodes, graph, output);
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        // Reading a value's shape or type does not count as using its numbers.
        let read = |step: &Step<'_>| match step.node().op_type.as_str() {
            "Shape" | "Size" => 0,
            "CastLike" => 1,
            _ => usize::MAX,
        };
        for name in steps.iter().flat_map(|step| step.inputs().take(read(step))) {
            *uses.entry(name).or_default() += 1;
        }
        let taken: BTreeSet<&str> = steps.iter().flat_map(Step::inputs).collect();
        let later = nodes
            .iter()
            .flat_map(|node| node.output.iter().skip(1).map(|name| (name.as_str(), node.op_type.as_str())));
        let later = later.collect();
        let open: Vec<_> = graph.input.iter().filter(|i| !initializers.contains(i.name.as_str())).collect();
        let needed = open.iter().copied().filter(|input| taken.contains(input.name.as_str()));
        let given: Vec<_> = match open.len() {
            1 => open.clone(),
            _ => needed.collect(),
        };
        let names = |list: &[&super::proto::ValueInfoProto]| {
            list.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let from: Vec<&str> = given.iter().map(|input| input.name.as_str()).collect();
        operators::all_are_read(
            &steps,
            &[&from[..], &own.iter().map(|own| own.input).collect::<Vec<_>>()].concat(),
        )?;
        if given.is_empty() {
            return Err(format!("takes the inputs {}, and its output follows from none", names(&open)));
        }
        let mut values = BTreeMap::new();
        let mut held = 0usize;
        for initializer in graph.initializer.iter().filter(|t| taken.contains(t.name.as_str())) {
            let tensor = Tensor::from_proto(initializer)?;
            held = held.saturating_add(tensor.len());
            values.insert(initializer.name.as_str(), Value::Constant(Rc::new(tensor)));
        }
        let found = given.iter().map(|input| shapes::input(input, file, &steps, options, own.as_ref()));
        let found = found.collect::<Said<Vec<_>>>()?;
        let one = found.len() == 1;
        let whole = match &found[..] {
            [(_, shape, _)] => *shape,
            several => shapes::row(several.iter().map(|(_, shape, _)| *shape))?,
        };
        let (first, _, batch) = &found[0];
        let (bytes, channels_first, batch) = (first.raw, first.is_channels_first(), *batch);
        let mut network = Network::new(whole, opset);
        network.training = options.training;
        network.tensors = initializers.iter().map(|name| (*name).to_string()).collect();
        if !one && (options.moments.is_some() || options.input_shape.is_some()) {
            let option = if options.moments.is_some() { "a mean and deviation" } else { "`.input_shape`" };
            return Err(format!(
                "takes the inputs {}, and {option} is for one input; leave it out",
                from.join(", ")
            ));
        }
        let mut before = 0;
        for (input, (mut flow, shape, own_batch)) in given.iter().zip(found) {
            if own_batch != batch {
                return Err(format!("takes the inputs {} with different batches", from.join(", ")));
            }
            if !one {
                flow.settled().map_err(|e| format!("input `{}`: {e}", input.name))?;
                let layer = InputLayer::new(&shape, before);
                before = layer.values().end;
                let make = |name| InputLayer { name, ..layer }.into();
                flow.layer = Some(network.add(&input.name, &[None], make, Vec::new()));
            }
            if flow.axes.len() == 2 {
                flow = layers::flattened(&mut network, &flow);
            }
            if let Some([mean, deviation]) = options.moments {
                flow = layers::normalized(&mut network, &flow, mean, deviation)?;
            }
            // The input of a table's network is the value after the nodes that standardise it.
            values.insert(own.as_ref().map_or(input.name.as_str(), |own| own.input), Value::Flow(flow));
        }
        // Single numbers and shapes are no weights.
        let weights = graph
            .initializer
            .iter()
            .filter(|t| t.data_type == kind::FLOAT && t.dims.iter().any(|len| *len > 1));
        let again = weights.map(|t| t.name.as_str()).any(|name| uses.get(name).is_some_and(|uses| *uses > 1));
        let table = own.map(|own| own.table);
        let loss = file.metadata("loss").and_then(|text| text.parse().ok());
        let (room, most_weights) =
            (held.saturating_mul(4).max(ROOM), held.saturating_mul(16).saturating_add(ROOM));
        Ok(Self {
            values,
            late: BTreeMap::new(),
            network,
            steps,
            uses,
            later,
            output,
            batch,
            loss,
            table,
            bytes,
            words: false,
            several: !one,
            again,
            channels_first,
            log_softmax: false,
            room,
            most_weights,
        })
    }

    /// Number of nodes that take a value; being the network's output counts as one more.
    fn uses(&self, name: &str) -> usize {
        self.uses.get(name).copied().unwrap_or(0) + usize::from(name == self.output)
    }

    /// Builds the model from all layers.
    fn finish(&mut self, options: &Options) -> Said<Model> {
        if let Some(node) = self.late.get(self.output).copied() {
            self.settle(self.output, node)?;
        }
        let Some(Value::Flow(flow)) = self.values.get(self.output).cloned() else {
            return Err(format!("the output `{}` does not follow from the input", self.output));
        };
        if flow.gather.is_some() || flow.flipped || flow.raw {
            return Err(format!("the output `{}` has its elements in a different order", self.output));
        }
        // The name is also used for files.
        let name = options.name.as_deref().map(|name| printable_line(name).replace(['/', '\\'], "_"));
        let name: String =
            name.filter(|name| !name.is_empty()).unwrap_or("imported".into()).chars().take(80).collect();
        self.network.keep(flow.layer.as_deref());
        let mut model = self.network.model(&name, flow.layer.as_deref())?;
        if self.again {
            self.network.share(&mut model);
        }
        // A single output that is not a probability belongs to a regression, unless the file names the loss.
        let outputs = model.outputs().ok();
        if outputs == Some(1) && model.loss().is_ok_and(|loss| loss == Loss::SoftmaxCrossEntropy) {
            model.loss = self.loss.or(Some(Loss::MeanSquaredError));
        }
        if let Some(loss) = self.loss.filter(|loss| outputs > Some(1) && *loss != Loss::SoftmaxCrossEntropy) {
            model.loss = Some(loss);
        }
        self.words = model.words().is_ok_and(|words| !words.is_empty());
        if let (Some(outputs @ 2..), Some(name)) = (outputs, last_activation(&model)) {
            let said = self.loss == Some(Loss::SoftmaxCrossEntropy);
            if name == "sigmoid" && !said {
                // Each output is a label of its own.
                model.loss = Some(Loss::BinaryCrossEntropy);
            } else if name == "hard_sigmoid" && !said {
                return Err(format!(
                    "ends in a {name} for each of {outputs} outputs, as if an image may have several classes; \
                     end with a sigmoid"
                ));
            }
        }
        Ok(model)
    }

    /// Format of the input: floats for the rows of a table, else the default.
    fn input(&self) -> Preprocessing {
        let number = |table: &Table| matches!(table.label.kind, wgrad_data::table::Kind::Number { .. });
        let row = |table| Preprocessing { floats: true, numbers: number(table), normalization: None };
        let words = Preprocessing { floats: self.words || self.several, ..Preprocessing::default() };
        self.table.as_ref().map_or(words, row)
    }

    /// Imports one step. The error names the node.
    fn step(&mut self, step: &Step<'a>) -> Said<()> {
        let last = step.node();
        if let Step::Node(node) = step {
            self.node(node)?;
        } else {
            for name in step.inputs() {
                self.settle(name, last)?;
            }
            self.several(step).map_err(|message| located(last, &message))?;
        }
        let fail = |message: String| Err(located(last, &message));
        if self.network.numbers > self.most_weights {
            return fail(format!(
                "the weights up to here are {} numbers, far more than the file holds",
                self.network.numbers
            ));
        }
        if self.network.layers.len() > MOST_LAYERS {
            return fail(format!(
                "a network of more than {MOST_LAYERS} layers; its training would never end"
            ));
        }
        Ok(())
    }

    /// Imports several nodes as one layer.
    fn several(&mut self, step: &Step<'a>) -> Said<()> {
        let input = |values: &BTreeMap<&str, Value>, input: &str| match values.get(input).cloned() {
            Some(Value::Flow(x)) => Ok(x),
            _ => Err(format!("it takes `{input}`, which does not follow from the image")),
        };
        let flow = match step {
            Step::Node(_) => return Ok(()),
            Step::Written { last, input: name, function, rank } => {
                let x = input(&self.values, name)?;
                layers::written(&mut self.network, last, &x, *function, *rank)?
            }
            Step::RootMeanSquare { last, input: name, mean, epsilon } => {
                let x = input(&self.values, name)?;
                let nodes = [*mean, *last];
                normal::written_root_mean_square(&mut self.network, &self.values, &x, nodes, *epsilon)?
            }
            Step::Groups { split, normal, last } => {
                let nodes = [*split, *normal, *last];
                match normal::written_groups(&mut self.network, &self.values, nodes)? {
                    Some(flow) => flow,
                    None => return nodes.into_iter().try_for_each(|node| self.node(node)),
                }
            }
        };
        self.values.insert(step.node().output.first().map_or("", String::as_str), Value::Flow(flow));
        Ok(())
    }

    /// The values that a node takes.
    fn inputs(&self, proto: &NodeProto) -> Vec<Option<Value>> {
        proto.input.iter().map(|name| self.values.get(name.as_str()).cloned()).collect()
    }

    /// Imports one node. The error names it.
    fn node(&mut self, proto: &'a NodeProto) -> Said<()> {
        let fail = |message: String| located(proto, &message);
        let inputs = self.inputs(proto);
        if let Some((_, name)) =
            inputs.iter().zip(&proto.input).find(|(v, name)| v.is_none() && !name.is_empty())
        {
            let why = match self.later.get(name.as_str()) {
                Some(op) => format!("another output of {op} than its first, which wgrad does not read"),
                None => "which no earlier node gives".to_string(),
            };
            return Err(fail(format!("it takes `{name}`, {why}")));
        }
        if self.sequence(proto, &inputs).map_err(fail)? {
            return Ok(());
        }
        let made = shapes::constant(&Node(proto), &inputs, self.batch, &mut self.room).map_err(fail)?;
        if let Some(values) = made {
            self.values.extend(proto.output.iter().map(String::as_str).zip(values));
            return Ok(());
        }
        self.viewed_or_layer(proto, &inputs)
    }

    /// Imports one node that follows from the image as a layer.
    fn layer(&mut self, proto: &'a NodeProto, inputs: &[Option<Value>]) -> Said<()> {
        let node = Node(proto);
        let first = proto.output.first().map_or("", String::as_str);
        let sole = self.is_sole(proto);
        let name = name_of(proto);
        let flow = match node.op() {
            "RNN" | "LSTM" | "GRU" => {
                for (output, value) in recurrent::layer(self, &node, inputs, name)? {
                    self.values.insert(output, Value::Flow(value));
                }
                return Ok(());
            }
            "LogSoftmax" if first != self.output => {
                return Err("before the end of the network; as the last node it stands for Softmax".into());
            }
            "LogSoftmax" if self.network.training => {
                self.log_softmax = true;
                layers::before_log_softmax(&mut self.network, &node, inputs, name)?
            }
            _ => moved::node(&mut self.network, &node, inputs, name, sole)?,
        };
        self.values.insert(first, Value::Flow(flow));
        Ok(())
    }

    /// True if only this node takes the first of its inputs that is no constant.
    fn is_sole(&self, proto: &NodeProto) -> bool {
        let constant = |name: &&String| matches!(self.values.get(name.as_str()), Some(Value::Constant(_)));
        proto.input.iter().find(|name| !constant(name)).is_some_and(|name| self.uses(name) == 1)
    }
}

/// The activation layer at the end of a network.
fn last_activation(model: &Model) -> Option<&'static str> {
    let named = |activation: ActivationName| activation.name();
    match model.layers.last()? {
        Layer::Activation(layer) => Some(named(layer.activation)),
        _ => None,
    }
}

/// Chooses the network's output.
fn chosen_output<'a>(graph: &'a GraphProto, options: &Options) -> Said<&'a str> {
    let mut names = graph.output.iter().map(|output| output.name.as_str());
    let listed = || graph.output.iter().map(|output| output.name.as_str()).collect::<Vec<_>>().join(", ");
    match &options.output {
        Some(wanted) => names
            .find(|name| name == wanted)
            .ok_or_else(|| format!("has no output `{wanted}`; its outputs: {}", listed())),
        None => {
            let first = names.clone().next().ok_or("has no output")?;
            Ok(names.find(|name| *name == LOGITS).unwrap_or(first))
        }
    }
}

/// True for the supported element types of an input.
fn takes(element: i32) -> bool {
    [kind::FLOAT, kind::UINT8, kind::INT32, kind::INT64].contains(&element)
}

/// wgrad's axes in their own order.
fn plain(rank: usize) -> Vec<Axis> {
    (0..=rank).map(Axis::Of).collect()
}
