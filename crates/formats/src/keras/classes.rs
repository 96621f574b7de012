//! Maps classes of Keras to wgrad's layers, and suggests alternatives for the others.

use crate::keras::node::Node;
use serde_json::{Map, Value, json};
use wgrad::layers::Layer;

/// Keras's name for a class: `batch_normalization` for `BatchNormalization`, `p_re_lu` for `PReLU`.
pub fn snake(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (n, letter) in letters.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| letters[n]);
        let after = letters.get(n + 1);
        // A capital letter begins a word after a small letter, and before one, unless it is the first letter.
        let word = letter.is_ascii_uppercase()
            && before.is_some_and(|b| b.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase));
        if word && before != Some('_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// True if wgrad has a layer of this class.
pub fn has(class: &str) -> bool {
    Layer::KINDS.iter().any(|(kind, _)| *kind == class)
}

/// The layer of wgrad for a node, with Keras's arguments.
pub fn known(node: &Node) -> Result<(String, Map<String, Value>), String> {
    let activation = |name: &str| {
        let config = Map::from_iter([("activation".to_string(), json!(name))]);
        Ok(("Activation".to_string(), config))
    };
    if node.operation {
        let said = |key: &str| node.config.get(key).filter(|value| !value.is_null());
        if let Some((key, value)) = node.config.iter().find(|(key, value)| !takes(node, key, value)) {
            return Err(format!(
                "is keras.ops.{} with {key} = {value}, which wgrad's activations do not have; use the layer of that name",
                snake(&node.class)
            ));
        }
        return match (node.class.as_str(), node.inputs.len()) {
            ("Add" | "Subtract" | "Multiply" | "Maximum" | "Minimum", 2) => {
                Ok((node.class.clone(), Map::new()))
            }
            // Keras's operation uses the tanh formula by default; its activation does not.
            ("Gelu", 1) if said("approximate").is_none_or(|value| *value == json!(true)) => {
                activation("gelu_tanh")
            }
            (class, 1) if wgrad::op::activations::activation(&snake(class)).is_ok() || class == "Softmax" => {
                activation(&snake(class))
            }
            (class, _) => Err(format!(
                "is the operation keras.ops.{} in the graph; wgrad takes +, -, ·, maximum and minimum of two layers and \
                 activations as operations, everything else as layers",
                snake(class)
            )),
        };
    }
    // Keras counts axes from either end, including the batch.
    let axis = node.config.get("axis").and_then(Value::as_i64);
    if node.class == "Softmax" && axis.map(|axis| axis + 1) == node.rank.map(|rank| rank as i64) {
        return activation("softmax");
    }
    match has(&node.class) {
        true => Ok((node.class.clone(), node.config.clone())),
        false => Err(missing(&node.class)),
    }
}

/// True if an argument of an operation has the value that wgrad's activation of that name computes with.
fn takes(node: &Node, key: &str, value: &Value) -> bool {
    let last = |axis: i64| axis == -1 || node.rank.is_some_and(|rank| axis == rank as i64 - 1);
    match (node.class.as_str(), key) {
        (_, "name" | "dtype" | "trainable") => true,
        (_, _) if value.is_null() => true,
        ("Gelu", "approximate") => value.is_boolean(),
        ("Elu", "alpha") => value.as_f64() == Some(1.0),
        ("LeakyRelu", "negative_slope") => value.as_f64().is_some_and(|slope| (slope - 0.2).abs() < 1e-9),
        ("Softmax", "axis") => value.as_i64().is_some_and(last),
        _ => false,
    }
}

/// The field that replaces a layer which changes images at random during training.
pub fn augmentation(class: &str) -> Option<&'static str> {
    Some(match class {
        "RandomErasing" => "`.augment = erase=PROBABILITY`",
        "MixUp" => "`.augment = mixup=ALPHA`",
        _ => return None,
    })
}

/// The closest alternatives to classes that wgrad lacks.
const NEAREST: &[(&str, &str)] = &[
    ("RNN", "use SimpleRNN, LSTM or GRU"),
    ("ConvLSTM2D", "use Conv2D, then Reshape and LSTM"),
    ("Lambda", "its code cannot be read; use a layer"),
];

/// The error about a class that wgrad lacks.
pub fn missing(class: &str) -> String {
    let nearest = NEAREST.iter().find(|(known, _)| *known == class).map(|(_, text)| format!("; {text}"));
    let known = || Layer::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
    let rest = nearest.unwrap_or_else(|| format!("; it has {}", known()));
    format!("wgrad has no such layer{rest}")
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_follow_from_classes_as_in_keras() {
        // These are from keras.src.utils.naming.to_snake_case of Keras 3.15.
        let cases = [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("PReLU", "p_re_lu"),
            ("ReLU", "re_lu"),
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("MaxPooling2D", "max_pooling2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("GlorotUniform", "glorot_uniform"),
            ("glorot_uniform", "glorot_uniform"),
            ("hard_sigmoid", "hard_sigmoid"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("RMSNormalization", "rms_normalization"),
        ];
        for (class, name) in cases {
            assert_eq!(snake(class), name);
        }
    }
}
