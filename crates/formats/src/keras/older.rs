//! Differences between files of Keras 2 and of Keras 3: the list of a stack, the connections between layers, other
//! names of arguments, and other defaults.

use crate::keras::node::{Words, text};
use serde_json::{Map, Value, json};

/// The version that wrote `config`, unless it was Keras 3, which writes a module for everything.
pub fn version(config: &Value) -> Option<&str> {
    if config.get("module").is_some() {
        return None;
    }
    let version = text(config, "keras_version")?;
    // Keras 3 writes the version into other files, together with modules.
    (!version.starts_with('3')).then_some(version)
}

/// Checks that a file of `version` can be read.
pub fn check(version: &str) -> Words<()> {
    match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(2) => Ok(()),
        _ => Err(format!(
            "was written by Keras {version}, but only files of Keras 2 and 3 are read; describe the network as a TOML file \
             (`wgrad_formats::model_file::TEMPLATE`)"
        )),
    }
}

/// Converts a layer's arguments to the names and defaults of Keras 3.
pub fn arguments(class: &str, config: &mut Map<String, Value>) -> Words<()> {
    if class == "TimeDistributed"
        && let Some(Value::Object(layer)) = config.get_mut("layer")
    {
        let class = layer.get("class_name").and_then(Value::as_str).unwrap_or_default().to_string();
        if let Some(Value::Object(inner)) = layer.get_mut("config") {
            arguments(&class, inner).map_err(|e| format!("({class}): {e}"))?;
        }
    }
    if class == "LeakyReLU"
        && let Some(alpha) = config.remove("alpha")
    {
        config.insert("negative_slope".into(), alpha);
    }
    // Before this argument existed, the gate was applied in front of the product.
    if class == "GRU" && !config.contains_key("reset_after") {
        config.insert("reset_after".into(), json!(false));
    }
    // In Keras 2, this name means clip(x / 5 + 1/2, 0, 1); in Keras 3, it means clip(x / 6 + 1/2, 0, 1).
    for key in ["activation", "recurrent_activation"] {
        if config.get(key).and_then(Value::as_str) == Some("hard_sigmoid") {
            return Err(format!(
                "{key} is hard_sigmoid of Keras 2, clip(0.2 x + 0.5, 0, 1), which is another function in Keras 3 and here; \
                 train it again with \"sigmoid\", or with Keras 3"
            ));
        }
    }
    Ok(())
}

/// Converts a call of a layer from `[["conv2d", 0, 0, {}], ...]` to the form of Keras 3.
pub fn call(value: &Value) -> Option<Value> {
    let all = value.as_array()?;
    let tensor = |entry: &Value| {
        let [name, call, output, ..] = &entry.as_array()?[..] else { return None };
        Some(json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, output]}}))
    };
    let args: Vec<Value> = all.iter().map(tensor).collect::<Option<_>>()?;
    let kwargs = all.iter().find_map(|entry| entry.get(3)?.as_object().filter(|kwargs| !kwargs.is_empty()));
    Some(json!({"args": args, "kwargs": kwargs}))
}
