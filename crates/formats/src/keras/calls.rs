//! Functional models: the connections between layers, which Keras writes in `inbound_nodes`.

use super::{masks::Masks, older};
use crate::keras::node::{Call, Origin, Words, is_tensor, origin, text};
use serde_json::Value;

/// The calls of a layer of a functional model, in Keras's order.
pub(super) fn calls(layer: &Value, masks: &Masks) -> Words<Vec<Call>> {
    let calls = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if calls.is_empty() {
        return Err("takes no input; every layer needs one".into());
    }
    calls.iter().map(|made| call(layer, made, masks)).collect()
}

fn call(layer: &Value, call: &Value, masks: &Masks) -> Words<Call> {
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
    let attends = matches!(text(layer, "class_name"), Some("MultiHeadAttention" | "Attention"));
    let named = |key: &str| kwargs.and_then(|kwargs| kwargs.get(key)).filter(|value| is_tensor(value));
    if attends {
        tensors.extend(["query", "value", "key"].into_iter().filter_map(named));
    }
    let (mut causal, mut taken) = (false, Vec::new());
    for (key, value) in kwargs.into_iter().flatten() {
        match (key.as_str(), value) {
            (_, Value::Null) | ("training", Value::Bool(false)) => {}
            (key, value) if masks.is(key, value) => taken.push((key.to_string(), source(value)?)),
            // Read before.
            ("query" | "value" | "key", value) if attends && is_tensor(value) => {}
            ("use_causal_mask", Value::Bool(said)) if attends => causal = *said,
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
    let sources = tensors.into_iter().map(source).collect::<Words<Vec<_>>>()?;
    if sources.is_empty() {
        return Err("takes no input; every layer needs one".into());
    }
    Ok(Call { sources, masks: taken, causal })
}

/// The output that a tensor is.
fn source(tensor: &Value) -> Words<Origin> {
    if !is_tensor(tensor) {
        return Err(format!(
            "takes {tensor} in addition to layers; wgrad's layers only take outputs of layers"
        ));
    }
    origin(tensor.pointer("/config/keras_history").unwrap_or(&Value::Null))
}

/// The inputs of a functional model in their order: the name by which data are given, if the model has a dictionary of
/// inputs, and the name of the input's layer.
pub(super) fn inputs(config: &Value) -> Words<Vec<(Option<String>, String)>> {
    let value = config.get("input_layers").unwrap_or(&Value::Null);
    let wrong = || format!("has input_layers = {value}, expected inputs such as [\"a layer\", 0, 0]");
    let layer = |entry: &Value| origin(entry).map(|(layer, _)| layer).map_err(|_| wrong());
    match value {
        Value::Object(named) => {
            // Keras takes them in the order of their names, too.
            let mut named: Vec<(&String, &Value)> = named.iter().collect();
            named.sort_unstable_by_key(|(name, _)| *name);
            named.into_iter().map(|(name, entry)| Ok((Some(name.clone()), layer(entry)?))).collect()
        }
        Value::Array(list) if list.first().is_some_and(Value::is_string) => Ok(vec![(None, layer(value)?)]),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|entry| Ok((None, layer(entry)?))).collect()
        }
        _ => Err(wrong()),
    }
}

/// The outputs of a functional model in their order: the name by which data are given, if the model has a dictionary of
/// outputs, and the output of a layer.
pub(super) fn outputs(config: &Value) -> Words<Vec<(Option<String>, Origin)>> {
    let value = config.get("output_layers").unwrap_or(&Value::Null);
    match value {
        Value::Object(named) if named.is_empty() => Err("has no outputs, expected at least one".into()),
        Value::Object(named) => {
            // Keras gives them in the order of their names, too.
            let mut named: Vec<(&String, &Value)> = named.iter().collect();
            named.sort_unstable_by_key(|(name, _)| *name);
            named.into_iter().map(|(name, entry)| Ok((Some(name.clone()), origin(entry)?))).collect()
        }
        Value::Array(list) if list.first().is_some_and(Value::is_string) => Ok(vec![(None, origin(value)?)]),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|entry| Ok((None, origin(entry)?))).collect()
        }
        _ => Err(format!("has output_layers = {value}, expected outputs such as [\"a layer\", 0, 0]")),
    }
}
