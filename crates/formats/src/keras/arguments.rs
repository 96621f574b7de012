//! Converts a layer's arguments from Keras's `config` to the table that wgrad's layers are read from. Arguments
//! that change nothing are dropped. All others are passed on, so that a layer reports those that it does not take.

use super::{initializers, regularization};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use wgrad::layers::{By, Layer};

/// Arguments that change nothing here, with any value.
const IGNORED: &[&str] = &[
    "batch_input_shape",
    "batch_shape",
    // The choice between two implementations of the same computation.
    "flash_attention",
    "fused",
    "implementation",
    "renorm_momentum",
    "seed",
    "supports_masking",
    "synchronized",
    // Read for the layer as a whole.
    "trainable",
    "unroll",
];

/// The value of an argument that matches wgrad's behaviour; with this value, it is dropped.
fn neutral(key: &str) -> Option<Value> {
    Some(match key {
        "data_format" => json!("channels_last"),
        "antialias"
        | "crop_to_aspect_ratio"
        | "pad_to_aspect_ratio"
        | "return_state"
        | "stateful"
        | "zero_output_for_mask"
        | "renorm"
        | "rms_scaling"
        | "mask_zero"
        | "use_gate"
        | "sparse"
        | "ragged"
        | "time_major" => {
            json!(false)
        }
        "dropout" | "recurrent_dropout" => json!(0.0),
        // Of sequences, the axis of time.
        "attention_axes" => json!([1]),
        _ => return None,
    })
}

/// Facts about layers other than their arguments.
#[derive(Debug, Default)]
pub struct Aside {
    /// Initialisers that wgrad lacks, one sentence each.
    pub initializers: Vec<String>,
    /// Keras's half-precision policies.
    half: BTreeSet<String>,
}

impl Aside {
    /// The note about half precision.
    pub fn half_note(&self) -> Option<String> {
        let names: Vec<&str> = self.half.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Keras computes some of its layers in half precision ({}), wgrad everything in float32: results differ by Keras's rounding",
                names.join(", ")
            )
        })
    }
}

/// Advice about an argument that a layer does not take.
fn hint(key: &str) -> &'static str {
    match key {
        "data_format" => "; images are (height, width, channels): use \"channels_last\"",
        "axis" => "; it works along the last axis: leave -1",
        "recurrent_dropout" | "dropout" => "; put a Dropout layer before or after it",
        _ => "; remove it",
    }
}

/// The table of a layer of `kind`; `rank` is the number of axes of its input, including the batch, where it is
/// known.
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

/// Converts one argument; `None` where it changes nothing.
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
    // What Resizing puts around an image whose aspect it keeps, which is refused.
    let around = kind == "Resizing" && ["fill_mode", "fill_value"].contains(&key);
    if value.is_null() || around || IGNORED.contains(&key) || neutral(key).is_some_and(|n| same(&n, value)) {
        return Ok(None);
    }
    match key {
        "dtype" => dtype(value, aside).map(|()| None),
        "axis" if last(value, rank) => Ok(None),
        "layer" => {
            // A step has one axis less. The recurrent layers have no arguments that count axes.
            let rank = rank.filter(|_| kind == "TimeDistributed").map(|rank| rank.saturating_sub(1));
            let mut inner = inner(value, rank, aside)?;
            if let (Some(table), "Bidirectional") = (inner.as_table_mut(), kind) {
                // Keras sets it to the value of return_sequences.
                table.remove("zero_output_for_mask");
            }
            Ok(Some(inner))
        }
        "backward_layer" => mirrored(config, value, aside).map(|()| None),
        "activation" | "recurrent_activation" => {
            activation(kind, value, rank, aside).map(|name| Some(name.into()))
        }
        // A length that is None is the input's.
        "output_shape" => {
            let lens = value.as_array().map(|lens| {
                lens.iter().map(|len| if len.is_null() { json!(-1) } else { len.clone() }).collect::<Value>()
            });
            toml(lens.as_ref().unwrap_or(value)).map(Some)
        }
        "activity_regularizer" => Err("penalises the layer's output, which wgrad does not; remove it".into()),
        _ if key.ends_with("_regularizer") => regularization::regularizer(value).map(Some),
        _ if key.ends_with("_constraint") => regularization::constraint(value).map(Some),
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

/// True if two values are equal; numbers are compared by value, such as 0 and 0.0.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| Some(a) == b.as_f64())
}

/// Checks the type: computation is in float32, and so are the variables of Keras's mixed policies.
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

/// True if an axis, or a list of one axis, is the last axis.
fn last(value: &Value, rank: Option<usize>) -> bool {
    let axis = match value {
        Value::Array(axes) if axes.len() == 1 => axes[0].as_i64(),
        other => other.as_i64(),
    };
    axis.is_some_and(|axis| axis == -1 || rank.is_some_and(|rank| axis == rank as i64 - 1))
}

/// The name of an activation: a text, or Keras's description of a function or a layer, whose arguments must match
/// an activation of wgrad.
fn activation(kind: &str, value: &Value, rank: Option<usize>, aside: &mut Aside) -> Result<String, String> {
    let foreign = |own: &str| {
        Err(format!(
            "is your own function ({own}), whose code is not in the file; use an activation of Keras"
        ))
    };
    if let Some(own) = super::graph::own(value) {
        return foreign(own);
    }
    let class = value.get("class_name").and_then(Value::as_str);
    let name = match (value.get("config"), class) {
        (Some(Value::Object(config)), Some(class)) => {
            return with_arguments(class, value, config, rank, aside);
        }
        (Some(Value::String(name)), _) => Some(name.as_str()),
        (_, class) => value.as_str().or(class.filter(|class| *class != "function")),
    };
    match name {
        // The form of names of registered functions in Keras.
        Some(name) if name.contains('>') => foreign(name),
        Some(name) => Ok(super::classes::snake(name)),
        None => Err(format!(
            "is {value}, expected the name of an activation, such as \"relu\", in a {kind} of wgrad"
        )),
    }
}

/// The name of the activation that `class` with these arguments computes.
fn with_arguments(
    class: &str,
    value: &Value,
    config: &Map<String, Value>,
    rank: Option<usize>,
    aside: &mut Aside,
) -> Result<String, String> {
    let fail = |message: String| format!("({class}): {message}");
    let mut config = config.clone();
    let kind = match class {
        "Activation" => {
            let inner = config.get("activation").unwrap_or(&Value::Null);
            return activation(class, inner, rank, aside).map_err(|e| fail(format!("activation {e}")));
        }
        "ReLU" | "relu" => "ReLU",
        "LeakyReLU" | "leaky_relu" => "LeakyReLU",
        "ELU" | "elu" => "ELU",
        "Softmax" | "softmax" => "Softmax",
        _ if super::classes::has(class) => {
            return Err(format!(
                "is the layer {class}, expected an activation such as \"relu\"; put the layer after this one"
            ));
        }
        _ => {
            let approximate = if class == "gelu" { config.remove("approximate") } else { None };
            let arguments = table(class, &config, rank, aside).map_err(fail)?;
            if let Some((key, value)) = arguments.iter().find(|(key, _)| *key != "name") {
                return Err(fail(format!("has {key} = {value}, but wgrad's {class} takes no such argument")));
            }
            let tangent = approximate.is_some_and(|approximate| approximate == json!(true));
            return Ok(super::classes::snake(if tangent { "gelu_tanh" } else { class }));
        }
    };
    // Keras 2 writes no modules.
    if value.get("module").is_none() {
        super::older::arguments(kind, &mut config).map_err(fail)?;
    }
    // The function's default slope differs from the layer's.
    if class == "leaky_relu" {
        config.entry("negative_slope").or_insert(json!(0.2));
    }
    let table = table(kind, &config, rank, aside).map_err(fail)?;
    let by = match Layer::from_table(kind, table) {
        Some(Ok(Layer::ReLU(layer))) => layer.by(),
        Some(Ok(Layer::LeakyReLU(layer))) => layer.by(),
        Some(Ok(Layer::ELU(layer))) => layer.by(),
        Some(Ok(Layer::Softmax(layer))) => layer.by(),
        Some(Err(e)) => Err(explain(kind, &crate::error::said(&e), &config)),
        Some(Ok(_)) | None => Err(super::classes::missing(kind)),
    };
    match by.map_err(fail)? {
        By::Name(activation) => Ok(activation.name().to_string()),
        By::Slope(slope) => Err(fail(format!(
            "has negative_slope = {slope}; as an argument of a layer only 0 and 0.2 are supported: put the layer after it, as \
             LeakyReLU(negative_slope={slope})"
        ))),
    }
}

/// Converts the layer within a wrapper: `Bidirectional(LSTM(8))`; `rank` is the number of axes of its input.
fn inner(value: &Value, rank: Option<usize>, aside: &mut Aside) -> Result<toml::Value, String> {
    let class = value.get("class_name").and_then(Value::as_str);
    let config = value.get("config").and_then(Value::as_object);
    let (Some(class), Some(config)) = (class, config) else {
        return Err(format!("is {value}, expected a layer with class_name and config"));
    };
    if let Some(own) = super::graph::own(value) {
        return Err(format!(
            "is your own class ({own}), whose code is not in the file; use a layer of Keras"
        ));
    }
    if super::graph::is_model(class) {
        return Err(format!("is a model ({class}); put the wrapper around each of its layers"));
    }
    if !super::classes::has(class) {
        return Err(format!("is {class}: {}", super::classes::missing(class)));
    }
    let mut table = table(class, config, rank, aside).map_err(|e| format!("({class}): {e}"))?;
    table.remove("name");
    table.insert("type".into(), class.into());
    Ok(toml::Value::Table(with_own_message(table, class, config)?))
}

/// Returns the table if its layer accepts it. The wrapper's own error would not name the argument.
fn with_own_message(
    table: toml::Table,
    class: &str,
    config: &Map<String, Value>,
) -> Result<toml::Table, String> {
    let mut own = table.clone();
    own.remove("type");
    crate::regularization::take(class, &mut own).map_err(|e| format!("({class}): {e}"))?;
    match Layer::from_table(class, own) {
        Some(Err(e)) => Err(format!("({class}): {}", explain(class, &crate::error::said(&e), config))),
        _ => Ok(table),
    }
}

/// Checks that the backward layer is the forward layer with time reversed: wgrad makes it itself.
fn mirrored(config: &Map<String, Value>, backward: &Value, aside: &mut Aside) -> Result<(), String> {
    let arguments = |layer: Option<&Value>, aside: &mut Aside| {
        let class = layer?.get("class_name")?.as_str()?;
        let mut table = table(class, layer?.get("config")?.as_object()?, None, aside).ok()?;
        table.remove("name");
        table.remove("zero_output_for_mask");
        let backwards = table.remove("go_backwards") == Some(true.into());
        Some((class.to_string(), table, backwards))
    };
    let there = arguments(config.get("layer"), &mut Aside::default());
    let back = arguments(Some(backward), aside);
    match (there, back) {
        (Some((a, there, x)), Some((b, back, y))) if a == b && there == back && x != y => Ok(()),
        _ => Err(
            "differs from the forward layer with go_backwards reversed; wgrad makes it from that one: leave \
                  backward_layer out"
                .into(),
        ),
    }
}

/// Converts a JSON value to TOML, which has no null.
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

/// A layer's error about its arguments; adds the value of an argument that it does not know.
pub fn explain(kind: &str, message: &str, config: &Map<String, Value>) -> String {
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "));
    let Some((key, expected)) = unknown else { return message.to_string() };
    let value =
        config.get(key).map_or_else(|| "set".into(), |value| format!("is {}", initializers::words(value)));
    let known = expected.trim_start_matches("one of ");
    format!("{key} {value}, but {kind} here takes {known}{}", hint(key))
}

#[cfg(test)]
mod tests {
    use crate::keras::parse;
    use serde_json::{Value, json};
    use std::path::Path;

    /// The activation of the network's first layer as it is read, or the error.
    fn read(class: &str, activation: Value) -> Result<String, String> {
        let shape = json!([null, 6]);
        let first = match class {
            "Dense" => json!({"name": "d", "units": 4, "activation": activation, "batch_input_shape": shape}),
            _ => json!({"name": "d", "activation": activation, "batch_input_shape": shape}),
        };
        let layers = json!([{"module": "keras.layers", "class_name": class, "config": first},
            {"module": "keras.layers", "class_name": "Dense", "config": {"name": "out", "units": 2}}]);
        let network = json!({"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": layers}});
        let loaded = parse(Path::new("net.json"), &network.to_string(), Some([28, 28, 1]))
            .map_err(|e| e.to_string())?;
        let layers = serde_json::to_value(&loaded.model.layers).expect("layers");
        let layer = layers.as_array().and_then(|all| all.iter().find(|layer| layer["name"] == "d"));
        Ok(layer.and_then(|layer| layer["activation"].as_str()).expect("a name").to_string())
    }

    fn object(class: &str, config: Value) -> Value {
        json!({"module": "keras.layers", "class_name": class, "config": config, "registered_name": null})
    }

    #[test]
    fn an_activation_of_arguments_is_what_wgrad_computes_or_refused() {
        let function =
            |module: &str, name: &str| json!({"module": module, "class_name": "function", "config": name});
        for class in ["Dense", "Activation"] {
            for (activation, name) in [
                (json!("relu"), "relu"),
                (function("keras.activations", "relu"), "relu"),
                (object("ReLU", json!({"name": "re_lu", "max_value": null})), "relu"),
                (object("ReLU", json!({"max_value": 6.0, "negative_slope": 0.0, "threshold": 0})), "relu6"),
                (object("ReLU", json!({"negative_slope": 0.2})), "leaky_relu"),
                (object("LeakyReLU", json!({"negative_slope": 0.2, "dtype": "float32"})), "leaky_relu"),
                (json!({"class_name": "LeakyReLU", "config": {"alpha": 0.2}}), "leaky_relu"),
                (object("leaky_relu", json!({})), "leaky_relu"),
                (object("ELU", json!({"name": "elu", "trainable": true, "alpha": 1.0})), "elu"),
                (object("ELU", json!({"alpha": 1})), "elu"),
                (object("Softmax", json!({"axis": -1})), "softmax"),
                (object("Softmax", json!({"axis": 1})), "softmax"),
                (object("gelu", json!({"approximate": false})), "gelu"),
                (object("gelu", json!({"approximate": true})), "gelu_tanh"),
                (object("Activation", json!({"name": "a", "activation": "tanh"})), "tanh"),
            ] {
                assert_eq!(read(class, activation.clone()).as_deref(), Ok(name), "{activation}");
            }
            let registered = json!({"module": "mymod", "class_name": "function", "config": "relu",
                "registered_name": "mymod>relu"});
            for (activation, words) in [
                (object("ELU", json!({"name": "elu", "alpha": 2.0})), &["(ELU)", "alpha = 2", "only 1"][..]),
                (object("elu", json!({"alpha": 2.0})), &["(elu)", "alpha = 2", "only 1"]),
                (object("leaky_relu", json!({"negative_slope": 0.01})), &["negative_slope = 0.01", "0.2"]),
                (
                    object("LeakyReLU", json!({})),
                    &["(LeakyReLU)", "negative_slope = 0.3", "put the layer after"],
                ),
                (json!({"class_name": "LeakyReLU", "config": {"alpha": 0.1}}), &["negative_slope = 0.1"]),
                (object("relu", json!({"max_value": 1.0})), &["max_value = 1", "max_value = 6"]),
                (object("ReLU", json!({"threshold": 1.0})), &["threshold = 1", "only 0"]),
                (object("ReLU", json!({"ceiling": 1.0})), &["(ReLU): ceiling is 1.0", "max_value"]),
                (object("Softmax", json!({"axis": 0})), &["axis = 0", "-1"]),
                (object("Softmax", json!({"dtype": "float64"})), &["(Softmax): dtype is float64"]),
                (object("PReLU", json!({"shared_axes": null})), &["is the layer PReLU", "after"]),
                (object("celu", json!({"alpha": 1.0})), &["(celu)", "alpha = 1.0"]),
                (registered, &["your own function (mymod)", "code"]),
                (function("builtins", "relu"), &["your own function"]),
                (
                    json!({"module": null, "class_name": "Bend", "config": {}, "registered_name": "mine>Bend"}),
                    &["your own function (mine>Bend)"],
                ),
                (json!("mine>relu"), &["your own function (mine>relu)"]),
            ] {
                let error = read(class, activation.clone()).expect_err(&activation.to_string());
                assert!(words.iter().all(|word| error.contains(word)), "{activation}: {error}");
                assert!(error.contains("layer `d`") && error.contains("activation"), "{activation}: {error}");
            }
        }
    }
}
