//! A layer as a Keras file describes it.

use serde_json::{Map, Value};

/// A result whose error describes in words what is not supported.
pub(super) type Words<T> = Result<T, String>;

/// A layer of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// The layer's unique name.
    pub name: String,
    /// Keras's class.
    pub class: String,
    /// Keras's arguments.
    pub config: Map<String, Value>,
    /// Number of axes of the input, including the batch, where Keras gives it.
    pub rank: Option<usize>,
    /// The layers whose outputs it takes, or [`wgrad::model::INPUT`].
    pub inputs: Vec<String>,
    /// Path of the weights in an archive, such as `layers/conv2d_1`.
    pub group: String,
    /// The layer whose tensors it uses, if Keras calls one layer several times.
    pub shares: Option<String>,
    /// The mask that it is called with.
    pub mask: Option<Mask>,
    /// True for an operation such as `x + y`, false for a layer.
    pub operation: bool,
}

impl Node {
    /// The layer's name in errors.
    pub fn label(&self) -> String {
        format!("layer `{}` ({})", self.name, self.class)
    }

    /// False for a layer that is not trained, and for one that runs such a layer on each step.
    pub fn trained(&self) -> bool {
        let (mut class, mut config) = (self.class.as_str(), &self.config);
        loop {
            if config.get("trainable") == Some(&Value::Bool(false)) {
                return false;
            }
            match within(class, config) {
                Some((inner, its)) => (class, config) = (inner, its),
                None => return true,
            }
        }
    }

    /// The groups of the layer's tensors within its own group: a cell, the cells of both directions, the layer that is run
    /// on each step.
    pub fn parts(&self) -> Vec<String> {
        let (mut class, mut config, mut before) = (self.class.as_str(), &self.config, String::new());
        while let Some((inner, its)) = within(class, config) {
            (class, config) = (inner, its);
            before.push_str("layer/");
        }
        let parts: &[&str] = match class {
            "SimpleRNN" | "LSTM" | "GRU" => &["cell"],
            "Bidirectional" => &["forward_layer/cell", "backward_layer/cell"],
            "MultiHeadAttention" => &["query_dense", "key_dense", "value_dense", "output_dense"],
            _ => &[""],
        };
        parts.iter().map(|part| format!("{before}{part}")).collect()
    }
}

/// The text under a key.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The class and arguments of the layer that a `TimeDistributed` runs.
fn within<'a>(class: &str, config: &'a Map<String, Value>) -> Option<(&'a str, &'a Map<String, Value>)> {
    let layer = config.get("layer").filter(|_| class == "TimeDistributed")?;
    Some((text(layer, "class_name")?, layer.get("config")?.as_object()?))
}

/// What a mask is made of: steps count whose numbers are not all `value` in one of the layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mask {
    /// The layer whose output is compared, or the network's input, and the value.
    pub parts: Vec<(String, f64)>,
    /// True if every step counts in any case.
    pub every: bool,
}

impl Mask {
    /// Adds the steps that count in another mask.
    pub fn add(&mut self, other: &Self) {
        self.every |= other.every;
        self.parts.extend(
            other.parts.iter().filter(|part| !self.parts.contains(part)).cloned().collect::<Vec<_>>(),
        );
    }

    /// Gives the layer `from` another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        for (name, _) in self.parts.iter_mut().filter(|(name, _)| name == from) {
            *name = to.to_string();
        }
    }
}

/// True for the output of a layer among the arguments of a call.
pub(super) fn is_tensor(value: &Value) -> bool {
    text(value, "class_name") == Some("__keras_tensor__")
}

/// The output of a layer: its name, and which of its calls gave it.
pub(super) type Origin = (String, u64);

/// One call of a layer.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The outputs that it takes.
    pub sources: Vec<Origin>,
    /// The masks that it takes, by their arguments.
    pub masks: Vec<(String, Origin)>,
    /// True if a query attends to no later key.
    pub causal: bool,
}

/// The output that `["conv2d", 0, 0]` names: a layer, the number of its call, the index of its output.
pub(super) fn origin(history: &Value) -> Words<Origin> {
    let (name, call, output) = (history[0].as_str(), history[1].as_u64(), history[2].as_u64());
    let Some(name) = name else { return Err(format!("takes {history}, expected [\"a layer\", 0, 0]")) };
    match (call, output) {
        (Some(call), Some(0)) => Ok((name.to_string(), call)),
        _ => Err(format!("takes output {history} of `{name}`; wgrad's layers have one")),
    }
}
