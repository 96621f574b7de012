//! Keras's initialisers by the names that wgrad's layers take.

use serde_json::{Map, Value};

/// What may stand in an initialiser without changing what it draws.
const NEUTRAL: &[&str] = &["seed", "input_axes", "output_axes"];

/// The name of an initialiser: `{"class_name": "HeNormal", "config": {"seed": null}}` is `he_normal`.
pub fn name(value: &Value) -> Result<String, String> {
    let Value::Object(object) = value else {
        return match value {
            Value::String(name) => Ok(super::classes::snake(name)),
            other => Err(format!("is {other}, expected an initialiser such as \"glorot_uniform\"")),
        };
    };
    let class = object.get("class_name").and_then(Value::as_str).unwrap_or_default();
    // Keras 3.0 to 3.4 call two of them so.
    let class = match class {
        "OrthogonalInitializer" => "Orthogonal",
        "IdentityInitializer" => "Identity",
        class => class,
    };
    let empty = Map::new();
    let config = object.get("config").and_then(Value::as_object).unwrap_or(&empty);
    if class == "VarianceScaling" {
        return scaling(config);
    }
    let set = config.iter().find(|(key, value)| {
        let gain = *key == "gain" && value.as_f64() == Some(1.0);
        !NEUTRAL.contains(&key.as_str()) && !gain && !value.is_null()
    });
    match set {
        None => Ok(super::classes::snake(class)),
        Some((key, value)) => Err(format!(
            "is {class} with {key} = {value}; wgrad starts from glorot_uniform, glorot_normal, he_uniform, he_normal, \
             lecun_uniform, lecun_normal, orthogonal, zeros or ones; weights of your own are read by `--init`"
        )),
    }
}

/// The named special cases of variance scaling.
fn scaling(config: &Map<String, Value>) -> Result<String, String> {
    let word = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let scale = config.get("scale").and_then(Value::as_f64).unwrap_or(1.0);
    let shape = match word("distribution") {
        "uniform" => "uniform",
        // Keras before 2.2.3 cut it off as well, and said "normal".
        "truncated_normal" | "normal" => "normal",
        other => {
            return Err(format!(
                "is VarianceScaling with distribution {other:?}, expected \"uniform\" or \"truncated_normal\""
            ));
        }
    };
    let family = match (word("mode"), scale) {
        ("fan_avg", 1.0) => "glorot",
        ("fan_in", 2.0) => "he",
        ("fan_in", 1.0) => "lecun",
        (mode, scale) => {
            return Err(format!(
                "is VarianceScaling with scale {scale} and mode {mode:?}, expected 1 and \"fan_avg\" (Glorot), 2 and \
                 \"fan_in\" (He) or 1 and \"fan_in\" (LeCun)"
            ));
        }
    };
    Ok(format!("{family}_{shape}"))
}
