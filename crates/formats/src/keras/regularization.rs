//! Converts Keras's regularizers and constraints to the tables that wgrad reads them from.

use super::{classes::snake, initializers::words};
use serde_json::{Map, Value};

/// The class, in snake case, and its arguments.
fn described(value: &Value) -> (String, Map<String, Value>) {
    let none = Map::new();
    let (class, config) = match value {
        Value::String(name) => (name.as_str(), &none),
        other => (
            other.get("class_name").and_then(Value::as_str).unwrap_or_default(),
            other.get("config").and_then(Value::as_object).unwrap_or(&none),
        ),
    };
    (snake(class), config.clone())
}

/// A table of numbers.
fn table(numbers: &[(&str, f64)]) -> toml::Table {
    numbers.iter().map(|(key, number)| ((*key).to_string(), (*number).into())).collect()
}

/// The table of a regularizer: `L2(0.01)`, `"l1"`. A factor that is not given is 0.01; of `L1L2`, it is 0.
///
/// # Errors
/// Names those that wgrad has, as the rest of a sentence whose subject is the argument.
pub(super) fn regularizer(value: &Value) -> Result<toml::Value, String> {
    let (class, config) = described(value);
    let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let (l1, l2) = match class.as_str() {
        "l1" => (number("l1", 0.01), 0.0),
        "l2" => (0.0, number("l2", 0.01)),
        "l1_l2" | "l1l2" => (number("l1", 0.0), number("l2", 0.0)),
        _ => {
            return Err(format!("is {}, but wgrad has L1, L2 and L1L2; use one of them", words(value)));
        }
    };
    Ok(table(&[("l1", l1), ("l2", l2)]).into())
}

/// The table of a constraint: `MaxNorm(2)`, `"non_neg"`.
///
/// # Errors
/// Names those that wgrad has, as the rest of a sentence whose subject is the argument.
pub(super) fn constraint(value: &Value) -> Result<toml::Value, String> {
    let (class, config) = described(value);
    let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let (kind, numbers): (&str, Vec<(&str, f64)>) = match class.as_str() {
        "non_neg" | "nonneg" => ("NonNeg", Vec::new()),
        "max_norm" | "maxnorm" => ("MaxNorm", vec![("max_value", number("max_value", 2.0))]),
        "unit_norm" | "unitnorm" => ("UnitNorm", Vec::new()),
        "min_max_norm" | "minmaxnorm" => {
            let [low, high, rate] = [("min_value", 0.0), ("max_value", 1.0), ("rate", 1.0)];
            ("MinMaxNorm", [low, high, rate].map(|(key, default)| (key, number(key, default))).to_vec())
        }
        _ => {
            let known = "NonNeg, MaxNorm, UnitNorm and MinMaxNorm";
            return Err(format!("is {}, but wgrad has {known}; use one of them", words(value)));
        }
    };
    let mut table = table(&numbers);
    table.insert("type".into(), kind.into());
    let axes = match config.get("axis") {
        Some(Value::Array(axes)) => axes.iter().map(Value::as_i64).collect(),
        Some(axis) => axis.as_i64().map(|axis| vec![axis]),
        None => None,
    };
    if let (Some(axes), true) = (axes, kind != "NonNeg") {
        table.insert("axis".into(), axes.into());
    }
    Ok(table.into())
}
