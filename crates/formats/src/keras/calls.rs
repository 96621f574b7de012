//! Functional models: the connections between layers, which Keras writes in `inbound_nodes`.

use super::older;
use crate::keras::node::{Words, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The layers whose outputs are inputs of a layer of a functional model.
pub(super) fn sources(layer: &Value, places: &BTreeMap<String, String>) -> Words<Vec<String>> {
    let calls = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let call = match calls {
        [call] => call,
        [] => return Err("takes no input; every layer needs one".into()),
        more => {
            return Err(format!(
                "is called {} times, but wgrad calls each layer once: make a separate layer for each call",
                more.len()
            ));
        }
    };
    // Keras 2 writes lists of tensors.
    let older = older::call(call);
    let call = older.as_ref().unwrap_or(call);
    let args = call.get("args").and_then(Value::as_array);
    let args =
        args.ok_or("has no inputs as Keras 3 writes them; load the model with Keras 3 and save it again")?;
    let mut tensors = Vec::new();
    for arg in args.iter().filter(|arg| !arg.is_null()) {
        match arg {
            Value::Array(list) => tensors.extend(list),
            one => tensors.push(one),
        }
    }
    let kwargs = call.get("kwargs").and_then(Value::as_object);
    let attends = text(layer, "class_name") == Some("MultiHeadAttention");
    let named = |key: &str| kwargs.and_then(|kwargs| kwargs.get(key)).filter(|value| is_tensor(value));
    if attends {
        tensors.extend(["query", "value", "key"].into_iter().filter_map(named));
    }
    for (key, value) in kwargs.into_iter().flatten() {
        match (key.as_str(), value) {
            (_, Value::Null) | ("training", Value::Bool(false)) => {}
            // Read before, or with the layer's arguments.
            ("query" | "value" | "key", value) if attends && is_tensor(value) => {}
            ("use_causal_mask", Value::Bool(_)) if attends => {}
            ("return_attention_scores", Value::Bool(false)) if attends => {}
            // The second operand of an operation.
            (_, value) if is_tensor(value) && text(layer, "module").is_some_and(|m| m.contains(".ops.")) => {
                tensors.push(value)
            }
            (key, value) => {
                let value =
                    if is_tensor(value) { "another layer's output".to_string() } else { value.to_string() };
                return Err(format!("is called with {key} = {value}; wgrad's layers only take their inputs"));
            }
        }
    }
    tensors.into_iter().map(|tensor| source(tensor, places)).collect()
}

fn is_tensor(value: &Value) -> bool {
    text(value, "class_name") == Some("__keras_tensor__")
}

/// The layer that a tensor comes from.
fn source(tensor: &Value, places: &BTreeMap<String, String>) -> Words<String> {
    if !is_tensor(tensor) {
        return Err(format!(
            "takes {tensor} in addition to layers; wgrad's layers only take outputs of layers"
        ));
    }
    let history = tensor.pointer("/config/keras_history").unwrap_or(&Value::Null);
    place(history, places)
}

/// The layer named by `["conv2d", 0, 0]`: its name, the number of its call, the index of its output.
fn place(history: &Value, places: &BTreeMap<String, String>) -> Words<String> {
    let (name, call, output) = (history[0].as_str(), history[1].as_u64(), history[2].as_u64());
    let Some(name) = name else { return Err(format!("takes {history}, expected [\"a layer\", 0, 0]")) };
    match (call, output) {
        // The number of the call is irrelevant, since each layer is called once.
        (Some(_), Some(0)) => {}
        _ => return Err(format!("takes output {history} of `{name}`; wgrad's layers have one")),
    }
    places.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = places.keys().map(String::as_str).collect();
        format!(
            "takes `{name}`, which is not the name of an earlier layer; before it are {}",
            known.join(", ")
        )
    })
}

/// The layer that produces the one output of a functional model. Also checks that the model has one input.
pub(super) fn output(config: &Value, places: &BTreeMap<String, String>) -> Words<String> {
    let one = |key: &str, what: &str| {
        let value = config.get(key).unwrap_or(&Value::Null);
        match (value, value.get(0)) {
            (Value::Object(_), _) => Err(format!("has a dictionary of {what}s; wgrad's networks have one")),
            (_, Some(Value::String(_))) => Ok(value.clone()),
            (Value::Array(list), Some(Value::Array(_))) if list.len() == 1 => Ok(list[0].clone()),
            (Value::Array(list), _) if list.len() > 1 => {
                let names: Vec<&str> = list.iter().filter_map(|entry| entry[0].as_str()).collect();
                Err(format!("has {} {what}s ({}); wgrad's networks have one", list.len(), names.join(", ")))
            }
            _ => Err(format!("has {key} = {value}, expected one {what} such as [\"a layer\", 0, 0]")),
        }
    };
    one("input_layers", "input")?;
    place(&one("output_layers", "output")?, places)
}
