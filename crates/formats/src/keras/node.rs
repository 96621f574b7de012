//! A layer of Keras's as its file has it.

use serde_json::{Map, Value};

/// What was asked for, or in words what does not fit.
pub(super) type Words<T> = Result<T, String>;

/// A layer of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name, different from all others.
    pub name: String,
    /// Keras's class.
    pub class: String,
    /// Its arguments.
    pub config: Map<String, Value>,
    /// Axes of its input, the batch among them, where Keras says so.
    pub rank: Option<usize>,
    /// The layers whose outputs it takes, or [`wgrad::model::INPUT`].
    pub inputs: Vec<String>,
    /// Where its weights are in an archive, such as `layers/conv2d_1`.
    pub group: String,
    /// Whether it is an operation such as `x + y` instead of a layer.
    pub operation: bool,
}

impl Node {
    /// How errors call it.
    pub fn label(&self) -> String {
        format!("layer `{}` ({})", self.name, self.class)
    }
}

/// The text under a key.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
