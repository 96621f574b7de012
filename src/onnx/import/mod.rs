//! ONNX files as networks of wgrad. Values of the file are followed through its nodes with the order of their axes, so that
//! transposes cost nothing, channels come last here wherever they are there, and weights are turned accordingly.

mod axes;
mod flow;
mod layers;
mod network;
mod recurrent;
mod shapes;
mod weights;
mod window;

use super::{
    attributes::Node,
    export::{LOGITS, Layout},
    proto::{GraphProto, ModelProto, NodeProto, kind},
    tensor::Tensor,
};
use crate::{Error, Result, loss::Loss, model::Model, program::arena_len};
use flow::{Axis, Flow, Value};
use network::Network;
use std::collections::{BTreeMap, BTreeSet};

type Said<T> = std::result::Result<T, String>;

/// What a file does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The network's name; the graph's by default.
    pub name: Option<String>,
    /// (height, width, channels) of an image, where the file's input is flat or its lengths are free.
    pub input_shape: Option<[usize; 3]>,
    /// The order of the input's axes, where the file leaves it open.
    pub layout: Option<Layout>,
    /// Which output is the network's; `logits` or the first by default.
    pub output: Option<String>,
    /// Mean and deviation of the images that the network was trained on, where it takes (image - mean) / deviation.
    pub moments: Option<[f32; 2]>,
}

/// A network from a file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network.
    pub model: Model,
    /// Its weights, as one arena.
    pub weights: Vec<f32>,
    /// The names of the classes, where the file tells them.
    pub classes: Option<Vec<String>>,
    /// The data it was trained on as the file tells it, as `--data` takes it.
    pub data: Option<String>,
}

/// The operators that can be read, for messages and documentation.
pub const OPERATORS: &[&str] = &[
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Elu",
    "Exp",
    "Flatten",
    "GRU",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "MatMul",
    "MaxPool",
    "Mish",
    "Mul",
    "PRelu",
    "Pad",
    "RNN",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Selu",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "Squeeze",
    "Sub",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

/// Reads the network of a file; `what` names the file in errors.
///
/// # Errors
/// [`Error::Onnx`] with the node that cannot be read, and why; [`Error::Model`] where its layers do not fit.
pub fn import(what: &str, file: &ModelProto, options: &Options) -> Result<Imported> {
    let fail = |message: String| Error::Onnx { what: what.to_string(), message };
    let graph = file.graph.as_ref().ok_or_else(|| fail("has no graph".into()))?;
    let mut import = Import::new(graph, file, options).map_err(fail)?;
    for node in import.needed.clone() {
        import.node(node).map_err(|message| fail(located(node, &message)))?;
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
    let classes = file.metadata("classes").and_then(|text| serde_json::from_str(text).ok());
    Ok(Imported { model, weights, classes, data: file.metadata("data.spec").map(String::from) })
}

/// A message with the node's name and operator in front.
fn located(node: &NodeProto, message: &str) -> String {
    let name = if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name };
    format!("node `{name}` ({}): {message}", node.op_type)
}

/// A file that is being read.
struct Import<'a> {
    values: BTreeMap<&'a str, Value>,
    network: Network,
    needed: Vec<&'a NodeProto>,
    uses: BTreeMap<&'a str, usize>,
    output: String,
    batch: Option<usize>,
    loss: Option<Loss>,
}

impl<'a> Import<'a> {
    fn new(graph: &'a GraphProto, file: &ModelProto, options: &Options) -> Said<Self> {
        let output = chosen_output(graph, options)?;
        let needed = ancestors(graph, &output);
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        // To ask for a shape is no use of the numbers.
        let takers = needed.iter().filter(|node| !["Shape", "Size"].contains(&node.op_type.as_str()));
        for name in takers.flat_map(|node| &node.input) {
            *uses.entry(name).or_default() += 1;
        }
        let mut values = BTreeMap::new();
        for initializer in &graph.initializer {
            if uses.contains_key(initializer.name.as_str()) {
                values.insert(initializer.name.as_str(), Value::Constant(Tensor::from_proto(initializer)?));
            }
        }
        let given: Vec<_> =
            graph.input.iter().filter(|input| !values.contains_key(input.name.as_str())).collect();
        let [input] = given[..] else {
            let names: Vec<_> = given.iter().map(|input| input.name.as_str()).collect();
            return Err(format!(
                "takes the inputs {}; a network here takes one, the image",
                names.join(", ")
            ));
        };
        let (flow, shape, batch) = shapes::input(input, file, &needed, options)?;
        values.insert(input.name.as_str(), Value::Flow(flow));
        let mut network = Network::new(shape);
        if let (Some([mean, deviation]), Some(Value::Flow(flow))) =
            (options.moments, values.get_mut(input.name.as_str()))
        {
            *flow = layers::normalized(&mut network, flow, mean, deviation)?;
        }
        let loss = file.metadata("loss").and_then(|text| text.parse().ok());
        Ok(Self { values, network, needed, uses, output, batch, loss })
    }

    /// How many nodes take a value; the network's output has one taker more.
    fn uses(&self, name: &str) -> usize {
        self.uses.get(name).copied().unwrap_or(0) + usize::from(name == self.output)
    }

    /// The model of all layers.
    fn finish(&mut self, options: &Options) -> Said<Model> {
        let Some(Value::Flow(flow)) = self.values.get(self.output.as_str()).cloned() else {
            return Err(format!("the output `{}` does not follow from the input", self.output));
        };
        if flow.gather.is_some() || flow.flipped || flow.raw {
            return Err(format!("the output `{}` comes in an order of its own", self.output));
        }
        let name = options.name.clone().unwrap_or_else(|| "imported".into());
        let mut model = self.network.model(&name, flow.layer.as_deref())?;
        // One number that is no probability is a regression's, unless the file says what it was trained on.
        let single = model.outputs().is_ok_and(|n| n == 1);
        if single && model.loss().is_ok_and(|loss| loss == Loss::SoftmaxCrossEntropy) {
            model.loss = self.loss.or(Some(Loss::MeanSquaredError));
        }
        Ok(model)
    }

    /// Reads one node.
    fn node(&mut self, proto: &'a NodeProto) -> Said<()> {
        if !["", "ai.onnx"].contains(&proto.domain.as_str()) {
            return Err(format!("the operator is of {}; only ONNX's own are known", proto.domain));
        }
        let node = Node(proto);
        let inputs: Vec<Option<Value>> =
            proto.input.iter().map(|name| self.values.get(name.as_str()).cloned()).collect();
        let first = proto.output.first().map_or("", String::as_str);
        if let Some(value) = shapes::constant(&node, &inputs, self.batch)? {
            self.values.insert(first, value);
            return Ok(());
        }
        if let Some((_, name)) =
            inputs.iter().zip(&proto.input).find(|(v, name)| v.is_none() && !name.is_empty())
        {
            return Err(format!("it takes `{name}`, which nothing before it gives"));
        }
        let sole = proto.input.first().is_some_and(|name| self.uses(name) == 1);
        let name = if proto.name.is_empty() { first } else { &proto.name };
        let flow = match node.op() {
            "RNN" | "LSTM" | "GRU" => {
                for (output, value) in recurrent::layer(self, &node, &inputs, name)? {
                    self.values.insert(output, Value::Flow(value));
                }
                return Ok(());
            }
            _ => layers::node(&mut self.network, &node, &inputs, name, sole)?,
        };
        self.values.insert(first, Value::Flow(flow));
        Ok(())
    }
}

/// The output that is the network's.
fn chosen_output(graph: &GraphProto, options: &Options) -> Said<String> {
    let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    match &options.output {
        Some(wanted) if names.contains(&wanted.as_str()) => Ok(wanted.clone()),
        Some(wanted) => Err(format!("has no output `{wanted}`; its outputs: {}", names.join(", "))),
        None => Ok(names
            .iter()
            .find(|name| **name == LOGITS)
            .or(names.first())
            .map_or(String::new(), ToString::to_string)),
    }
}

/// The nodes from which `output` follows, in their order.
fn ancestors<'a>(graph: &'a GraphProto, output: &str) -> Vec<&'a NodeProto> {
    let mut wanted: BTreeSet<&str> = BTreeSet::from([output]);
    let mut found = Vec::new();
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|name| wanted.contains(name.as_str())) {
            wanted.extend(node.input.iter().map(String::as_str));
            found.push(node);
        }
    }
    found.reverse();
    found
}

/// The kinds of elements that an input may have.
fn takes(element: i32) -> bool {
    [kind::FLOAT, kind::UINT8].contains(&element)
}

/// The axes of wgrad in their own order.
fn plain(rank: usize) -> Vec<Axis> {
    (0..=rank).map(Axis::Of).collect()
}
