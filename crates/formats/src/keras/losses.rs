//! The loss that a Keras network was compiled with: by name, as an object, or as the only one in a list or a
//! dictionary of outputs.

use super::classes::snake;
use serde_json::Value;
use wgrad::{loss::Loss, optim::Optimizer};

/// The loss of `compile()`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The loss, if wgrad has it.
    pub loss: Option<Loss>,
    /// True if the loss takes logits; `None` for a loss other than of classes.
    pub from_logits: Option<bool>,
    /// The loss that wgrad lacks, as the predicate of a sentence whose subject is the network.
    pub missing: Option<String>,
    /// Notes about other compile arguments, and the fields to use for them; one line each.
    pub notes: Vec<String>,
    /// True if labels are rows with a 1 at their class.
    pub one_hot: bool,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// The losses of several outputs, each with its weight in the sum.
    pub heads: Vec<(Compiled, f64)>,
    /// The optimizer, if wgrad has it with these arguments.
    pub optimizer: Option<Optimizer>,
    /// The reason why it has not, as the predicate of a sentence whose subject is the network.
    pub missing_optimizer: Option<String>,
}

/// Reads the value of `loss`.
pub fn of(value: &Value) -> Compiled {
    match value {
        Value::Null => Compiled::default(),
        Value::String(name) => named(name, &Value::Null),
        Value::Array(all) => one(all.iter().collect()),
        Value::Object(object) => match object.get("class_name").and_then(Value::as_str) {
            // A function of Keras, or one that the user wrote.
            Some("function") => match object.get("config") {
                Some(Value::String(name)) => named(name, &Value::Null),
                _ => missing("a custom function"),
            },
            Some(class) => named(class, object.get("config").unwrap_or(&Value::Null)),
            None => one(object.values().collect()),
        },
        other => missing(&other.to_string()),
    }
}

/// Reads the values of `loss` and `loss_weights` for several outputs with these names; `keyed` is true if they are a
/// dictionary.
pub fn several(value: &Value, weights: &Value, outputs: &[&str], keyed: bool) -> Compiled {
    if value.is_null() {
        return Compiled::default();
    }
    let mut found = Compiled::default();
    for (n, name) in outputs.iter().enumerate() {
        let own = match value {
            Value::Array(all) if all.len() != outputs.len() || keyed => {
                let expected = if keyed { "a dictionary" } else { "one for each" };
                return missing(&format!("{value} for its outputs {} ({expected})", outputs.join(", ")));
            }
            Value::Array(all) => &all[n],
            Value::Object(all) if !all.contains_key("class_name") => {
                if let Some(other) = all.keys().find(|key| !outputs.contains(&key.as_str())) {
                    return missing(&format!(
                        "of `{other}`, which is none of its outputs {}",
                        outputs.join(", ")
                    ));
                }
                all.get(*name).unwrap_or(&Value::Null)
            }
            // One loss for all.
            one => one,
        };
        let weight = match weights {
            Value::Null => Some(1.0),
            Value::Array(all) if all.len() == outputs.len() && !keyed => all[n].as_f64(),
            Value::Object(all) => all.get(*name).map_or(Some(1.0), Value::as_f64),
            _ => None,
        };
        let Some(weight) = weight.filter(|weight| weight.is_finite() && *weight >= 0.0) else {
            return missing(&format!(
                "weighted by loss_weights = {weights} (a number from 0 for each output)"
            ));
        };
        if own.is_null() {
            return missing(&format!(
                "None for its output `{name}`: give it a loss, with the weight 0 in loss_weights"
            ));
        }
        let own = of(own);
        if own.missing.is_some() {
            found.missing = own.missing;
            return found;
        }
        if own.label_smoothing != 0.0 {
            let smoothing = own.label_smoothing;
            return missing(&format!("with label_smoothing = {smoothing} of one of several outputs"));
        }
        found.heads.push((own, weight));
    }
    found
}

/// The loss of the only output that has one.
fn one(all: Vec<&Value>) -> Compiled {
    let mut set = all.into_iter().filter(|value| !value.is_null());
    match (set.next(), set.next()) {
        (None, _) => Compiled::default(),
        (Some(value), None) => of(value),
        _ => missing("several losses, one for each of its outputs"),
    }
}

/// The result for a loss that wgrad lacks.
pub(super) fn missing(what: &str) -> Compiled {
    let missing = Some(format!("was compiled with the loss {what}, which wgrad does not have"));
    Compiled { missing, ..Compiled::default() }
}

/// Looks up a loss by the name of its class or function.
fn named(name: &str, config: &Value) -> Compiled {
    let number = |key: &str, default: f64| config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let short = snake(name);
    let loss = match short.as_str() {
        "sparse_categorical_crossentropy" | "categorical_crossentropy" => Loss::SoftmaxCrossEntropy,
        "binary_crossentropy" | "bce" => Loss::BinaryCrossEntropy,
        "mean_squared_error" | "mse" => Loss::MeanSquaredError,
        "mean_absolute_error" | "mae" => Loss::MeanAbsoluteError,
        "kl_divergence" | "kld" | "kldivergence" | "kullback_leibler_divergence" => Loss::KlDivergence,
        "cosine_similarity" => Loss::CosineSimilarity,
        "huber" | "huber_loss" => {
            let delta = number("delta", 1.0);
            if !(delta > 0.0 && delta < f64::from(f32::MAX)) {
                return missing(&format!("{name} with delta = {delta}"));
            }
            Loss::Huber { delta }
        }
        _ => return missing(name),
    };
    // The gradients of a sum differ from those of a mean, so the training would differ.
    if let Some(reduction) = config.get("reduction").and_then(Value::as_str)
        && !matches!(reduction, "sum_over_batch_size" | "mean" | "auto")
    {
        return missing(&format!(
            "{name} with reduction = {reduction} (wgrad takes the mean over the batch)"
        ));
    }
    if let Some(axis) = config.get("axis").and_then(Value::as_i64).filter(|axis| *axis != -1) {
        return missing(&format!("{name} with axis = {axis} (wgrad compares along the last axis)"));
    }
    if let Some(class) = config.get("ignore_class").filter(|class| !class.is_null()) {
        return missing(&format!("{name} with ignore_class = {class}"));
    }
    let classes = matches!(loss, Loss::SoftmaxCrossEntropy | Loss::BinaryCrossEntropy);
    let from_logits = classes.then(|| config.get("from_logits").and_then(Value::as_bool).unwrap_or(false));
    let mut notes = Vec::new();
    let smoothing = number("label_smoothing", 0.0);
    if smoothing != 0.0 {
        notes.push(format!(
            "it was compiled with label_smoothing = {smoothing}, which is not used: say `.label_smoothing = {smoothing}`"
        ));
    }
    Compiled {
        loss: Some(loss),
        from_logits,
        notes,
        one_hot: short == "categorical_crossentropy",
        label_smoothing: smoothing,
        ..Compiled::default()
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;
    use wgrad::loss::Loss;

    #[test]
    fn a_loss_is_read_in_every_form_that_keras_writes() {
        let object = json!({"module": "keras.losses", "class_name": "MeanAbsoluteError",
            "config": {"name": "mean_absolute_error", "reduction": "sum_over_batch_size"}, "registered_name": null});
        let huber =
            json!({"class_name": "Huber", "config": {"delta": 0.5, "reduction": "sum_over_batch_size"}});
        let function =
            json!({"module": "builtins", "class_name": "function", "config": "mean_squared_error"});
        let cases = [
            (json!("mae"), Some(Loss::MeanAbsoluteError)),
            (json!("MSE"), Some(Loss::MeanSquaredError)),
            (json!("MeanSquaredError"), Some(Loss::MeanSquaredError)),
            (json!(["mae"]), Some(Loss::MeanAbsoluteError)),
            (json!([null, "mae"]), Some(Loss::MeanAbsoluteError)),
            (json!({"out": "mae"}), Some(Loss::MeanAbsoluteError)),
            (json!({"out": object}), Some(Loss::MeanAbsoluteError)),
            (object.clone(), Some(Loss::MeanAbsoluteError)),
            (huber, Some(Loss::Huber { delta: 0.5 })),
            (function, Some(Loss::MeanSquaredError)),
            (json!("sparse_categorical_crossentropy"), Some(Loss::SoftmaxCrossEntropy)),
            (json!("binary_crossentropy"), Some(Loss::BinaryCrossEntropy)),
            (json!(null), None),
        ];
        for (value, loss) in cases {
            let found = of(&value);
            assert_eq!((found.loss, &found.missing), (loss, &None), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_named() {
        let sum = json!({"class_name": "MeanSquaredError", "config": {"reduction": "sum"}});
        let own = json!({"class_name": "my>Loss", "config": {}});
        for (value, words) in [
            (json!("poisson"), "poisson"),
            (json!({"class_name": "LogCosh", "config": {}}), "LogCosh"),
            (json!(["mse", "mae"]), "several losses"),
            (json!({"a": "mse", "b": "mae"}), "several losses"),
            (sum, "reduction"),
            (own, "my>Loss"),
            (json!({"class_name": "Huber", "config": {"delta": -1.0}}), "delta = -1"),
            (
                json!({"class_name": "SparseCategoricalCrossentropy", "config": {"ignore_class": 0}}),
                "ignore_class",
            ),
        ] {
            let found = of(&value);
            assert!(found.loss.is_none(), "{value}");
            assert!(found.missing.as_deref().is_some_and(|m| m.contains(words)), "{value}: {found:?}");
        }
        let smooth =
            of(&json!({"class_name": "CategoricalCrossentropy", "config": {"label_smoothing": 0.1}}));
        assert!(smooth.notes[0].contains(".label_smoothing = 0.1"), "{smooth:?}");
    }
}
