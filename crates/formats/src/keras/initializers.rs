//! Keras's initialisers, by the names that wgrad's layers accept.

use serde_json::{Map, Value};

/// Arguments that do not change the distribution of an initialiser.
const NEUTRAL: &[&str] = &["seed", "input_axes", "output_axes"];

/// The initialisers that wgrad has.
pub const NAMES: [&str; 10] = [
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "uniform",
    "zeros",
    "ones",
];

/// wgrad's name of an initialiser, where it has it: `{"class_name": "HeNormal", "config": {"seed": null}}` is
/// `he_normal`.
pub fn name(value: &Value) -> Option<&'static str> {
    let none = Map::new();
    let (class, config) = match value {
        Value::String(name) => (name.as_str(), &none),
        Value::Object(object) => (
            object.get("class_name").and_then(Value::as_str)?,
            object.get("config").and_then(Value::as_object).unwrap_or(&none),
        ),
        _ => return None,
    };
    let number = |key: &str| config.get(key).and_then(Value::as_f64);
    let name = match class {
        "VarianceScaling" => return scaling(config),
        "RandomUniform" | "random_uniform" | "uniform" => {
            let near = |key: &str, default: f64| (number(key).unwrap_or(default) - default).abs() < 1e-9;
            return (near("minval", -0.05) && near("maxval", 0.05)).then_some("uniform");
        }
        "Constant" => match number("value")? {
            0.0 => return Some("zeros"),
            1.0 => return Some("ones"),
            _ => return None,
        },
        // The name in Keras 3.0 to 3.4.
        "OrthogonalInitializer" => "orthogonal".to_string(),
        "zero" | "one" => format!("{class}s"),
        class => super::classes::snake(class),
    };
    let gain = |key: &str| key == "gain" && number(key) == Some(1.0);
    let set =
        config.iter().any(|(key, value)| !NEUTRAL.contains(&key.as_str()) && !gain(key) && !value.is_null());
    NAMES.into_iter().find(|known| !set && *known == name)
}

/// The named special cases of variance scaling.
fn scaling(config: &Map<String, Value>) -> Option<&'static str> {
    let word = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let scale = config.get("scale").and_then(Value::as_f64).unwrap_or(1.0);
    Some(match (word("mode"), scale, word("distribution")) {
        ("fan_avg", 1.0, "uniform") => "glorot_uniform",
        ("fan_in", 2.0, "uniform") => "he_uniform",
        ("fan_in", 1.0, "uniform") => "lecun_uniform",
        // Keras before 2.2.3 truncated the distribution as well, and called it "normal".
        ("fan_avg", 1.0, "truncated_normal" | "normal") => "glorot_normal",
        ("fan_in", 2.0, "truncated_normal" | "normal") => "he_normal",
        ("fan_in", 1.0, "truncated_normal" | "normal") => "lecun_normal",
        _ => return None,
    })
}

/// The fixed initialiser of the tensor of `key`; `None` where wgrad offers a choice.
fn fixed(key: &str) -> Option<&'static str> {
    Some(match key.strip_suffix("_initializer")? {
        "kernel" | "recurrent" | "depthwise" | "embeddings" => return None,
        "gamma" | "moving_variance" => "ones",
        _ => "zeros",
    })
}

/// Reads the argument `key` of a layer, an initialiser; `None` where it is the layer's fixed one. The error is a
/// sentence about an initialiser that wgrad lacks.
pub fn read(key: &str, value: &Value) -> Result<Option<&'static str>, String> {
    let has = match (name(value), fixed(key)) {
        (Some(name), None) => return Ok(Some(name)),
        (Some(name), Some(own)) if name == own => return Ok(None),
        (_, own) => own.map_or_else(|| NAMES.join(", "), String::from),
    };
    Err(format!("{key} is {}, but wgrad starts from {has}", words(value)))
}

/// Describes an object of Keras in words: its class and its arguments.
pub fn words(value: &Value) -> String {
    let class = value.get("class_name").or(value.get("registered_name")).and_then(Value::as_str);
    let (Some(class), config) = (class, value.get("config").and_then(Value::as_object)) else {
        return match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
    };
    let set = config
        .into_iter()
        .flatten()
        .filter(|(key, value)| !NEUTRAL.contains(&key.as_str()) && *key != "name" && !value.is_null());
    let set: Vec<String> = set.map(|(key, value)| format!("{key} = {}", words(value))).collect();
    if set.is_empty() { class.to_string() } else { format!("{class} with {}", set.join(", ")) }
}
