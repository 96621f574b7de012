//! Which of wgrad's layers a class of Keras is, and what is nearest to one that is none.

use super::graph::Node;
use crate::layers::Layer;
use serde_json::{Map, Value, json};

/// `BatchNormalization` as `batch_normalization`, `PReLU` as `p_re_lu`: how Keras derives names from classes.
pub fn snake(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (n, letter) in letters.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| letters[n]);
        let after = letters.get(n + 1);
        // A capital begins a word behind a small letter, and before one, where anything stands before it.
        let word = letter.is_ascii_uppercase()
            && before.is_some_and(|b| b.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase));
        if word && before != Some('_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Whether wgrad has a layer of this class.
pub fn has(class: &str) -> bool {
    Layer::KINDS.iter().any(|(kind, _)| *kind == class)
}

/// wgrad's layer for a node, with Keras's arguments.
pub fn known(node: &Node) -> Result<(String, Map<String, Value>), String> {
    let activation = |name: &str| {
        let config = Map::from_iter([("activation".to_string(), json!(name))]);
        Ok(("Activation".to_string(), config))
    };
    if node.operation {
        return match (node.class.as_str(), node.inputs.len()) {
            ("Add", 2) => Ok(("Add".into(), Map::new())),
            (class, 1) if crate::kernels::activation(&snake(class)).is_ok() || class == "Softmax" => {
                activation(&snake(class))
            }
            (class, _) => Err(format!(
                "is the operation keras.ops.{} in the graph; wgrad takes the sum of two layers and activations as \
                 operations, everything else as layers",
                snake(class)
            )),
        };
    }
    if has(&node.class) {
        return Ok((node.class.clone(), node.config.clone()));
    }
    let number = |key: &str, default: f64| match node.config.get(key) {
        None => Some(default),
        Some(Value::Null) => None,
        Some(value) => value.as_f64(),
    };
    let says = |key: &str| node.config.get(key).map_or("its default".into(), Value::to_string);
    match node.class.as_str() {
        "ReLU" => match (
            number("max_value", f64::INFINITY),
            number("negative_slope", 0.0),
            number("threshold", 0.0),
        ) {
            (None, Some(0.0), Some(0.0)) => activation("relu"),
            (Some(f64::INFINITY), Some(0.0), Some(0.0)) => activation("relu"),
            (Some(6.0), Some(0.0), Some(0.0)) => activation("relu6"),
            (None, Some(0.2), Some(0.0)) => activation("leaky_relu"),
            _ => Err(format!(
                "has max_value {}, negative_slope {} and threshold {}; wgrad has relu, relu6 and leaky_relu (slope 0.2)",
                says("max_value"),
                says("negative_slope"),
                says("threshold")
            )),
        },
        "LeakyReLU" => match number("negative_slope", 0.3) {
            Some(0.2) => activation("leaky_relu"),
            _ => Err(format!(
                "has negative_slope {}; wgrad's leaky_relu has 0.2, and PReLU learns its slope",
                says("negative_slope")
            )),
        },
        "ELU" => match number("alpha", 1.0) {
            Some(1.0) => activation("elu"),
            _ => Err(format!("has alpha {}; wgrad's elu has 1", says("alpha"))),
        },
        "Softmax" => match node.config.get("axis").and_then(Value::as_i64).unwrap_or(-1) {
            -1 => activation("softmax"),
            axis if Some(axis + 1) == node.rank.map(|rank| rank as i64) => activation("softmax"),
            axis => Err(format!("has axis {axis}; wgrad's softmax runs over the last one, -1")),
        },
        class => Err(missing(class)),
    }
}

/// Layers that change images at random while training, and the option that does.
pub fn augmentation(class: &str) -> Option<&'static str> {
    Some(match class {
        "RandomFlip" => "`--augment flip`, which mirrors left and right",
        "RandomTranslation" => "`--augment shift=PIXELS`",
        "RandomRotation" => "`--augment rotate=DEGREES`",
        "RandomZoom" => "`--augment zoom=SHARE`",
        "RandomBrightness" => "`--augment brightness=SHARE`",
        "RandomContrast" => "`--augment contrast=SHARE`",
        "RandomErasing" => "`--augment erase=PROBABILITY`",
        "MixUp" => "`--augment mixup=ALPHA`",
        _ => return None,
    })
}

/// The nearest thing to a class that wgrad lacks.
const NEAREST: &[(&str, &str)] = &[
    ("Normalization", "images come as pixel / 255; put BatchNormalization first, or leave it out"),
    (
        "Rescaling",
        "images come as pixel / 255, so that only Rescaling(1/255) directly behind the input is taken, and left out",
    ),
    ("Resizing", "resize the images of the data set beforehand"),
    ("CenterCrop", "cut the images of the data set beforehand"),
    ("RandomCrop", "use ZeroPadding2D and `--augment shift=PIXELS`"),
    ("SeparableConv2D", "use DepthwiseConv2D, then Conv2D with kernel_size 1"),
    ("Conv1D", "use Reshape to (time, 1, features) and Conv2D with kernel_size (k, 1)"),
    ("MaxPooling1D", "use Reshape to (time, 1, features) and MaxPooling2D with pool_size (k, 1)"),
    ("AveragePooling1D", "use Reshape to (time, 1, features) and AveragePooling2D with pool_size (k, 1)"),
    ("GlobalAveragePooling1D", "use Reshape to (time, 1, features) and GlobalAveragePooling2D"),
    ("GlobalMaxPooling1D", "use Reshape to (time, 1, features) and GlobalMaxPooling2D"),
    ("SpatialDropout1D", "use Dropout"),
    ("GaussianNoise", "use Dropout, or `--augment`"),
    ("GaussianDropout", "use Dropout"),
    ("AlphaDropout", "use Dropout"),
    ("GroupNormalization", "use LayerNormalization or BatchNormalization"),
    ("RMSNormalization", "use LayerNormalization"),
    ("UnitNormalization", "use LayerNormalization"),
    ("Cropping2D", "cut the images beforehand, or use a convolution with padding \"valid\""),
    ("TimeDistributed", "Dense works over the last axis by itself: take it out of TimeDistributed"),
    ("RNN", "use SimpleRNN, LSTM or GRU"),
    ("ConvLSTM2D", "use Conv2D, then Reshape and LSTM"),
    ("RepeatVector", "use Reshape"),
    ("Permute", "use Reshape where the order in memory stays; else turn the images beforehand"),
    ("Lambda", "its code cannot be read; use a layer"),
];

/// What is said of a class that wgrad has not.
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
        // From keras.src.utils.naming.to_snake_case of Keras 3.15.
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
        ];
        for (class, name) in cases {
            assert_eq!(snake(class), name);
        }
    }
}
