//! Reads the arguments of Keras's `compile()`. The loss is used where wgrad has it. Everything else that changes
//! results is reported, with the corresponding field of wgrad.

use super::{
    losses::{self, Compiled},
    torch,
};
use serde_json::{Map, Value};
use wgrad::optim::{self, Method, Optimizer};

/// Arguments that change how a program runs but not its results, or that only matter for half precision.
const NEUTRAL: &[&str] = &["auto_scale_loss", "jit_compile", "run_eagerly", "steps_per_execution"];

/// Metrics that wgrad reports anyway.
const REPORTED: &[&str] = &[
    "accuracy",
    "acc",
    "sparse_categorical_accuracy",
    "categorical_accuracy",
    "binary_accuracy",
    "mean_absolute_error",
    "mae",
    "root_mean_squared_error",
];

/// Keras's names for numbers of an optimizer, with wgrad's fields.
const NUMBERS: &[(&str, &str)] = &[
    ("momentum", "momentum"),
    ("beta_1", "beta_1"),
    ("beta_2", "beta_2"),
    ("adam_beta_1", "beta_1"),
    ("adam_beta_2", "beta_2"),
    ("rho", "rho"),
    ("epsilon", "epsilon"),
    ("initial_accumulator_value", "initial_accumulator_value"),
    ("ns_steps", "ns_steps"),
    ("rms_rate", "rms_rate"),
    ("weight_decay", "weight_decay"),
    ("global_clipnorm", "global_clipnorm"),
];

/// True if `x` differs from the default of the field in `method`; false where the method has no such number.
fn differs(method: &Method, field: &str, x: f64) -> bool {
    let numbers = method.numbers();
    let number = numbers.iter().find(|number| number.name == field).map(|number| number.value);
    let usual = match (number, field) {
        (Some(optim::Value::Real(usual)), _) => usual,
        (Some(optim::Value::Whole(usual)), _) => usual.into(),
        (_, "weight_decay") => method.about().weight_decay,
        (_, "global_clipnorm") => return true,
        _ => return false,
    };
    (x - usual).abs() > 1e-6 * usual
}

/// Reads the compile arguments that are stored next to the network. `outputs` are the names of several outputs, in
/// their order; `keyed` is true if they are a dictionary.
pub fn of(config: &Value, outputs: &[&str], keyed: bool) -> Compiled {
    let said = config.get("compile_config").or(config.get("training_config")).and_then(Value::as_object);
    let Some(said) = said else { return Compiled::default() };
    let loss = said.get("loss").unwrap_or(&Value::Null);
    let weights = said.get("loss_weights").unwrap_or(&Value::Null);
    let mut compiled = match outputs {
        [] => torch::loss(loss).unwrap_or_else(|| losses::of(loss)),
        several => losses::several(loss, weights, several, keyed),
    };
    if outputs.is_empty() && !are_one(weights) {
        compiled = losses::missing(&format!("weighted by loss_weights = {weights}"));
    }
    for (key, value) in said.iter().filter(|(_, value)| !value.is_null()) {
        match key.as_str() {
            "loss" | "loss_weights" => {}
            "optimizer" | "optimizer_config" => {
                compiled.notes.push(optimizer(value));
                match torch::optimizer(value).unwrap_or_else(|| optimizer_of(value)) {
                    Ok(found) => compiled.optimizer = Some(found),
                    Err(why) => compiled.missing_optimizer = Some(why),
                }
            }
            "metrics" | "weighted_metrics" => {
                let mut names = Vec::new();
                collect(value, &mut names);
                names.retain(|name| key != "metrics" || !REPORTED.contains(&name.as_str()));
                if !names.is_empty() {
                    compiled.notes.push(format!(
                        "it was compiled with the {} {}, which are not reported here",
                        key.replace('_', " "),
                        names.join(", ")
                    ));
                }
            }
            key if NEUTRAL.contains(&key) => {}
            key => compiled
                .notes
                .push(format!("it was compiled with {key} = {}, which is not used", short(value))),
        }
    }
    compiled
}

/// True if every weight of a loss is 1, or there are no weights.
fn are_one(weights: &Value) -> bool {
    match weights {
        Value::Null => true,
        Value::Array(all) => all.iter().all(are_one),
        Value::Object(all) => all.values().all(are_one),
        other => other.as_f64() == Some(1.0),
    }
}

/// A number that Keras computed in f32, without the spurious digits of its f64 form.
fn number(x: f64) -> String {
    if f64::from(x as f32) == x { format!("{:?}", x as f32) } else { format!("{x:?}") }
}

fn short(value: &Value) -> String {
    match value.get("class_name").and_then(Value::as_str) {
        Some(class) => class.to_string(),
        None => value.to_string(),
    }
}

/// Collects the names of all metrics, in any form.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(name) => names.push(super::classes::snake(name)),
        Value::Array(all) => all.iter().for_each(|value| collect(value, names)),
        Value::Object(object) => match object.get("class_name").and_then(Value::as_str) {
            Some("function") => object.get("config").into_iter().for_each(|value| collect(value, names)),
            Some(class) => names.push(super::classes::snake(class)),
            None => object.values().for_each(|value| collect(value, names)),
        },
        _ => {}
    }
}

/// Arguments of an optimizer that change its steps and that wgrad lacks.
const LACKING: &[&str] =
    &["amsgrad", "clipnorm", "clipvalue", "gradient_accumulation_steps", "loss_scale_factor", "use_ema"];

/// The optimizer as Keras runs it: by name with Keras's defaults, or with all its arguments. A schedule of the learning
/// rate leaves the default rate.
fn optimizer_of(value: &Value) -> Result<Optimizer, String> {
    let none = Map::new();
    let config = value.get("config").and_then(Value::as_object).unwrap_or(&none);
    if let Some(inner) = config.get("inner_optimizer") {
        return optimizer_of(inner);
    }
    let class =
        value.as_str().or_else(|| value.get("class_name").and_then(Value::as_str)).unwrap_or_default();
    let mut methods = Method::all();
    // Keras's own takes AdamW's step for the kernels of convolutions.
    methods.retain(|method| !matches!(method, Method::Muon(_)));
    let Some(method) = methods.iter().find(|method| method.about().name == class.to_lowercase()) else {
        let known: Vec<&str> = methods.iter().map(|method| method.about().name).collect();
        return Err(format!(
            "was compiled with the optimizer {class}, which wgrad does not train as Keras does; it has {}",
            known.join(", ")
        ));
    };
    for key in LACKING {
        let given = config.get(*key).filter(|value| !value.is_null() && value.as_bool() != Some(false));
        if let Some(value) = given {
            return Err(format!(
                "was compiled with {key} = {value} of the optimizer {class}, which wgrad does not have; of the gradients'                  norms it has global_clipnorm"
            ));
        }
    }
    let mut optimizer = Optimizer::new(*method);
    if matches!(method, Method::Sgd(_)) {
        // Keras's defaults, which differ from wgrad's.
        optimizer.learning_rate = 0.01;
        optimizer.method.set("momentum", optim::Value::Real(0.0));
    }
    for (key, field) in NUMBERS {
        let number = config.get(*key).and_then(Value::as_f64);
        match (*field, number) {
            ("weight_decay", number) if config.contains_key(*key) => {
                optimizer.weight_decay = number.unwrap_or(0.0);
            }
            ("global_clipnorm", number) => optimizer.global_clipnorm = number,
            (_, Some(number)) => {
                optimizer.method.set(field, optim::Value::Real(number));
            }
            _ => {}
        }
    }
    for number in method.numbers() {
        if let (optim::Value::Switch(_), Some(on)) =
            (number.value, config.get(number.name).and_then(Value::as_bool))
        {
            optimizer.method.set(number.name, optim::Value::Switch(on));
        }
    }
    if let Some(rate) = config.get("learning_rate").and_then(Value::as_f64) {
        optimizer.learning_rate = rate;
    }
    if matches!(method, Method::Sgd(_)) && optimizer.weight_decay > 0.0 && optimizer.momentum().is_some() {
        return Err(format!(
            "was compiled with weight_decay = {} of the optimizer {class} with momentum, which wgrad adds to the              gradients; use AdamW",
            optimizer.weight_decay
        ));
    }
    Ok(optimizer)
}

/// The note about an optimizer, which is not taken from the file.
fn optimizer(value: &Value) -> String {
    let none = Map::new();
    let config = value.get("config").and_then(Value::as_object).unwrap_or(&none);
    let class =
        value.as_str().or_else(|| value.get("class_name").and_then(Value::as_str)).unwrap_or_default();
    // A wrapper around another optimizer scales the loss for half precision.
    if let Some(inner) = config.get("inner_optimizer") {
        return optimizer(inner);
    }
    let name = class.to_lowercase();
    let methods = Method::all();
    let Some(method) = methods.iter().find(|method| method.about().name == name) else {
        let known: Vec<&str> = methods.iter().map(|method| method.about().name).collect();
        return format!(
            "it was compiled with the optimizer {class}, which wgrad does not have: `.optimizer` takes {}",
            known.join(", ")
        );
    };
    let mut fields = vec![format!("`.optimizer = {name}`")];
    let mut others = Vec::new();
    match config.get("learning_rate") {
        Some(Value::Number(rate)) => {
            fields.push(format!("`.learning_rate = {}`", number(rate.as_f64().unwrap_or_default())));
        }
        Some(schedule @ Value::Object(_)) => {
            others.push(format!("for its rate, {}, see `.schedule`", short(schedule)));
        }
        _ => {}
    }
    for (key, field) in NUMBERS {
        let set = config.get(*key).and_then(Value::as_f64);
        if let Some(x) = set.filter(|x| differs(method, field, *x)) {
            fields.push(format!("`.{field} = {}`", number(x)));
        }
    }
    let on = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    for number in method.numbers() {
        let said = on(number.name);
        if number.value == optim::Value::Switch(!said) {
            fields.push(format!("`.{} = {said}`", number.name));
        }
    }
    if on("use_ema") {
        let momentum = config.get("ema_momentum").and_then(Value::as_f64).unwrap_or(0.99);
        fields.push(format!("`.ema_momentum = {}`", number(momentum)));
    }
    for key in ["clipnorm", "clipvalue", "amsgrad", "gradient_accumulation_steps", "loss_scale_factor"] {
        if let Some(value) =
            config.get(key).filter(|value| !value.is_null() && value.as_bool() != Some(false))
        {
            others.push(format!("its {key} = {value} has no option"));
        }
    }
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join("; ")) };
    format!("it was compiled with the optimizer {class}, which is not used: say {}{others}", fields.join(" "))
}

#[cfg(test)]
mod tests {
    use super::optimizer_of;
    use serde_json::json;
    use wgrad::optim::{Adam, Method, Optimizer, RmsProp, Sgd};

    #[test]
    fn an_optimizer_has_the_numbers_of_keras() {
        let sgd = |momentum, nesterov, learning_rate| Optimizer {
            learning_rate,
            ..Optimizer::new(Method::Sgd(Sgd { momentum, nesterov }))
        };
        let adam = Adam { beta_1: 0.8, epsilon: 1e-3, ..Adam::default() };
        let adam = Optimizer { weight_decay: 0.0, ..Optimizer::new(Method::AdamW(adam)) };
        let rmsprop =
            Optimizer::new(Method::RmsProp(RmsProp { centered: true, rho: 0.5, ..RmsProp::default() }));
        for (value, expected) in [
            (json!("sgd"), sgd(0.0, false, 0.01)),
            (
                json!({"class_name": "SGD", "config": {"learning_rate": 0.5, "momentum": 0.9, "nesterov": true}}),
                sgd(0.9, true, 0.5),
            ),
            (
                json!({"class_name": "AdamW", "config": {"beta_1": 0.8, "epsilon": 1e-3, "weight_decay": null}}),
                adam,
            ),
            (
                json!({"class_name": "RMSprop", "config": {"rho": 0.5, "centered": true, "global_clipnorm": 2.0,
                    "use_ema": false, "clipnorm": null}}),
                Optimizer { global_clipnorm: Some(2.0), ..rmsprop },
            ),
        ] {
            assert_eq!(optimizer_of(&value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn an_optimizer_that_would_step_otherwise_is_refused() {
        for (value, words) in [
            (json!("nadam"), "the optimizer nadam, which"),
            (json!({"class_name": "Muon", "config": {}}), "the optimizer Muon, which"),
            (json!({"class_name": "Adam", "config": {"amsgrad": true}}), "amsgrad = true"),
            (json!({"class_name": "Adam", "config": {"clipvalue": 1.0}}), "clipvalue = 1.0"),
            (
                json!({"class_name": "SGD", "config": {"momentum": 0.9, "weight_decay": 0.1}}),
                "weight_decay = 0.1",
            ),
        ] {
            let why = optimizer_of(&value).expect_err("it would train otherwise");
            assert!(why.starts_with("was compiled with ") && why.contains(words), "{why}");
        }
    }
}
