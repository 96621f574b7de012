//! A layer's arguments: from Keras's `config` to the table that wgrad's layers are read from. What changes nothing is
//! dropped; everything else is handed on, so that a layer which does not take it says so.

use super::initializers;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Arguments that decide nothing here, whatever they are.
const IGNORED: &[&str] = &[
    "batch_input_shape",
    "batch_shape",
    // Which of two programs computed the same.
    "fused",
    "implementation",
    "renorm_momentum",
    "seed",
    "supports_masking",
    "synchronized",
    "unroll",
    // Of masks, which no layer here makes.
    "zero_output_for_mask",
];

/// What wgrad does anyway: dropped where it says so.
fn neutral(key: &str) -> Option<Value> {
    Some(match key {
        "trainable" => json!(true),
        "data_format" => json!("channels_last"),
        "return_state"
        | "stateful"
        | "zero_output_for_mask"
        | "renorm"
        | "rms_scaling"
        | "sparse"
        | "ragged"
        | "time_major" => {
            json!(false)
        }
        "dropout" | "recurrent_dropout" => json!(0.0),
        _ => return None,
    })
}

/// What is read of layers beside their arguments.
#[derive(Debug, Default)]
pub struct Aside {
    /// Initialisers that wgrad has not, a sentence each.
    pub initializers: Vec<String>,
    /// Keras's policies of half precision.
    half: BTreeSet<String>,
}

impl Aside {
    /// What is said of half precision.
    pub fn half_note(&self) -> Option<String> {
        let names: Vec<&str> = self.half.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Keras computes layers of it in half precision ({}), wgrad all in float32: numbers differ by what Keras rounds",
                names.join(", ")
            )
        })
    }
}

/// What to do about an argument that a layer does not take.
fn hint(key: &str) -> &'static str {
    match key {
        _ if key.ends_with("_regularizer") => {
            "; take it off and use `--weight-decay`, which decays all weights"
        }
        _ if key.ends_with("_constraint") => "; take it off; `--global-clipnorm` bounds gradients",
        "trainable" => "; every layer is trained: set it to True",
        "data_format" => "; images are (height, width, channels): use \"channels_last\"",
        "axis" => "; it works along the last axis: leave -1",
        "recurrent_dropout" | "dropout" => "; put a Dropout layer before or behind it",
        _ => "; take it off",
    }
}

/// The table of a layer of `kind`, whose input has `rank` axes with the batch where that is known.
pub fn table(
    kind: &str,
    config: &Map<String, Value>,
    rank: Option<usize>,
    aside: &mut Aside,
) -> Result<toml::Table, String> {
    let mut table = toml::Table::new();
    for (key, value) in config {
        let read = argument(kind, key, value, config, rank, aside);
        if let Some(value) = read.map_err(|e| format!("{key} {e}"))? {
            table.insert(key.clone(), value);
        }
    }
    Ok(table)
}

/// One argument, unless it changes nothing.
fn argument(
    kind: &str,
    key: &str,
    value: &Value,
    config: &Map<String, Value>,
    rank: Option<usize>,
    aside: &mut Aside,
) -> Result<Option<toml::Value>, String> {
    if key == "merge_mode" && value.is_null() {
        return Err("is None; expected \"concat\" or \"sum\", which join both directions".into());
    }
    if value.is_null() || IGNORED.contains(&key) || neutral(key).is_some_and(|n| same(&n, value)) {
        return Ok(None);
    }
    match key {
        "dtype" => dtype(value, aside).map(|()| None),
        "axis" if last(value, rank) => Ok(None),
        "layer" => inner(value, aside).map(Some),
        "backward_layer" => mirrored(config, value, aside).map(|()| None),
        "activation" | "recurrent_activation" => activation(kind, value).map(|name| Some(name.into())),
        _ if key.ends_with("_initializer") => match initializers::read(key, value) {
            Ok(name) => Ok(name.map(toml::Value::from)),
            Err(said) => {
                aside.initializers.push(said);
                Ok(None)
            }
        },
        _ => toml(value).map(Some),
    }
}

/// Whether two values are equal, numbers by what they are: 0 and 0.0.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| Some(a) == b.as_f64())
}

/// Computation is in float32, and so are the variables of Keras's mixed policies.
fn dtype(value: &Value, aside: &mut Aside) -> Result<(), String> {
    let name = value.as_str().or_else(|| value.pointer("/config/name").and_then(Value::as_str));
    match name {
        Some("float32") => Ok(()),
        Some(half @ ("mixed_float16" | "mixed_bfloat16")) => {
            aside.half.insert(half.to_string());
            Ok(())
        }
        _ => Err(format!(
            "is {}, expected float32, in which wgrad computes; build the model again with `keras.config.set_floatx(\"float32\")`",
            name.map_or_else(|| initializers::words(value), String::from)
        )),
    }
}

/// Whether an axis, or a list of one, is the last.
fn last(value: &Value, rank: Option<usize>) -> bool {
    let axis = match value {
        Value::Array(axes) if axes.len() == 1 => axes[0].as_i64(),
        other => other.as_i64(),
    };
    axis.is_some_and(|axis| axis == -1 || rank.is_some_and(|rank| axis == rank as i64 - 1))
}

/// The name of an activation: text, or what Keras writes for a registered function.
fn activation(kind: &str, value: &Value) -> Result<String, String> {
    let name = value.as_str().or_else(|| value.get("config").and_then(Value::as_str));
    let class = value.get("class_name").and_then(Value::as_str);
    name.or(class.filter(|class| *class != "function")).map(super::classes::snake).ok_or_else(|| {
        format!("is {value}, expected the name of an activation, such as \"relu\", in a {kind} of wgrad")
    })
}

/// The layer within another one: `Bidirectional(LSTM(8))`.
fn inner(value: &Value, aside: &mut Aside) -> Result<toml::Value, String> {
    let class = value.get("class_name").and_then(Value::as_str);
    let config = value.get("config").and_then(Value::as_object);
    let (Some(class), Some(config)) = (class, config) else {
        return Err(format!("is {value}, expected a layer with class_name and config"));
    };
    let mut table = table(class, config, None, aside).map_err(|e| format!("({class}): {e}"))?;
    table.remove("name");
    table.insert("type".into(), class.into());
    Ok(toml::Value::Table(with_own_message(table, class, config)?))
}

/// The table, unless its layer does not take it: the wrapper's own message would not say which argument it is.
fn with_own_message(
    table: toml::Table,
    class: &str,
    config: &Map<String, Value>,
) -> Result<toml::Table, String> {
    let mut own = table.clone();
    own.remove("type");
    match crate::layers::Layer::from_table(class, own) {
        Some(Err(e)) => Err(format!("({class}): {}", explain(class, &crate::model_file::said(&e), config))),
        _ => Ok(table),
    }
}

/// The layer for the way back has to be the other one with time reversed: wgrad makes it itself.
fn mirrored(config: &Map<String, Value>, backward: &Value, aside: &mut Aside) -> Result<(), String> {
    let arguments = |layer: Option<&Value>, aside: &mut Aside| {
        let class = layer?.get("class_name")?.as_str()?;
        let mut table = table(class, layer?.get("config")?.as_object()?, None, aside).ok()?;
        table.remove("name");
        let backwards = table.remove("go_backwards") == Some(true.into());
        Some((class.to_string(), table, backwards))
    };
    let there = arguments(config.get("layer"), &mut Aside::default());
    let back = arguments(Some(backward), aside);
    match (there, back) {
        (Some((a, there, x)), Some((b, back, y))) if a == b && there == back && x != y => Ok(()),
        _ => Err("differs from the layer for the way there, with go_backwards turned; wgrad makes it from that one: leave \
                  backward_layer out"
            .into()),
    }
}

/// A JSON value as TOML, which knows no null.
fn toml(value: &Value) -> Result<toml::Value, String> {
    Ok(match value {
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(n), _) => n.into(),
            (None, Some(x)) => x.into(),
            (None, None) => return Err(format!("is {number}, which is out of range")),
        },
        Value::Array(values) => toml::Value::Array(values.iter().map(toml).collect::<Result<_, _>>()?),
        Value::Object(map) => match map.get("class_name").and_then(Value::as_str) {
            Some(class) => class.into(),
            None => return Err(format!("is {value}, which no layer of wgrad takes")),
        },
        Value::Null => return Err("holds None, expected a number".into()),
    })
}

/// What a layer says of its arguments, with the value of one that it does not know.
pub fn explain(kind: &str, message: &str, config: &Map<String, Value>) -> String {
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "));
    let Some((key, expected)) = unknown else { return message.to_string() };
    let value =
        config.get(key).map_or_else(|| "set".into(), |value| format!("is {}", initializers::words(value)));
    let known = expected.trim_start_matches("one of ");
    format!("{key} {value}, and {kind} here takes {known}{}", hint(key))
}
