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
    /// True for an operation such as `x + y`, false for a layer.
    pub operation: bool,
}

impl Node {
    /// The layer's name in errors.
    pub fn label(&self) -> String {
        format!("layer `{}` ({})", self.name, self.class)
    }
}

/// The text under a key.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
