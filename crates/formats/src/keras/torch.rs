//! PyTorch's losses and optimizers in the place of Keras's compile arguments: objects whose `module` is `torch.nn` or
//! `torch.optim`, with the class's own arguments as `config`. An argument that would make the training another one is
//! refused.

use super::losses::Compiled;
use serde_json::{Map, Value};
use wgrad::{
    loss::Loss,
    optim::{Adagrad, Adam, Method, Optimizer, RmsProp, Sgd},
};

/// Arguments that say how PyTorch runs a step, and the state of its schedules.
const NEUTRAL: &[&str] =
    &["foreach", "capturable", "differentiable", "fused", "initial_lr", "swa_lr", "max_lr", "min_lr"];

/// The class of an object of PyTorch's module `module`; `None` for another object.
fn class<'a>(value: &'a Value, module: &str) -> Option<(&'a str, Arguments<'a>)> {
    if value.get("module").and_then(Value::as_str) != Some(module) {
        return None;
    }
    let class = value.get("class_name").and_then(Value::as_str)?;
    let config = value.get("config").and_then(Value::as_object)?;
    Some((class, Arguments { class, config }))
}

/// The arguments of an object.
struct Arguments<'a> {
    class: &'a str,
    config: &'a Map<String, Value>,
}

/// True for values that switch an argument off.
fn off(value: &Value) -> bool {
    value.is_null() || value.as_bool() == Some(false) || value.as_f64() == Some(0.0)
}

impl Arguments<'_> {
    fn number(&self, name: &str, default: f64) -> f64 {
        self.config.get(name).and_then(Value::as_f64).unwrap_or(default)
    }

    fn on(&self, name: &str) -> bool {
        self.config.get(name).is_some_and(|value| !off(value))
    }

    /// The two decay rates of Adam.
    fn betas(&self) -> (f64, f64) {
        let of = |n: usize| self.config.get("betas").and_then(|betas| betas.get(n)).and_then(Value::as_f64);
        (of(0).unwrap_or(0.9), of(1).unwrap_or(0.999))
    }

    /// Refuses each argument that is not among `taken` and is not off; `next` says what to do instead.
    fn only(&self, taken: &[&str], next: &str) -> Result<(), String> {
        let other = self.config.iter().find(|(name, value)| {
            !taken.contains(&name.as_str()) && !NEUTRAL.contains(&name.as_str()) && !off(value)
        });
        match other {
            Some((name, value)) => Err(format!(
                "cannot be trained with {name}={} of PyTorch's {}, which wgrad does not have; {next}",
                shown(value),
                self.class
            )),
            None => Ok(()),
        }
    }
}

/// A value in Python's words, cut where it is long.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Bool(true) => "True".into(),
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The optimizer that an object of `torch.optim` is here, or why there is none, as the predicate of a sentence whose
/// subject is the network. `None` if it is no object of PyTorch.
pub fn optimizer(value: &Value) -> Option<Result<Optimizer, String>> {
    let (class, arguments) = class(value, "torch.optim")?;
    Some(of_class(class, &arguments))
}

fn of_class(class: &str, arguments: &Arguments<'_>) -> Result<Optimizer, String> {
    let number = |name, default| arguments.number(name, default);
    let decay = "torch.optim.AdamW and SGD have a weight decay that wgrad has too";
    // PyTorch adds epsilon to the root; here it stands under it.
    let squared = |default: f64| number("eps", default).powi(2).max(f64::from(f32::MIN_POSITIVE));
    let (method, rate, weight_decay) = match class {
        "SGD" => {
            arguments.only(&["lr", "momentum", "nesterov", "weight_decay"], "set it to its default")?;
            let method = Sgd { momentum: number("momentum", 0.0), nesterov: arguments.on("nesterov") };
            (Method::Sgd(method), number("lr", 1e-3), number("weight_decay", 0.0))
        }
        "Adam" | "AdamW" => {
            let decoupled = class == "AdamW" || arguments.on("decoupled_weight_decay");
            let own: &[&str] = match decoupled {
                true => &["lr", "betas", "eps", "weight_decay", "decoupled_weight_decay"],
                false => &["lr", "betas", "eps"],
            };
            arguments.only(own, decay)?;
            let (beta_1, beta_2) = arguments.betas();
            let method = Adam { beta_1, beta_2, epsilon: number("eps", 1e-8) };
            let weight_decay = if decoupled { number("weight_decay", 0.01) } else { 0.0 };
            let method = if decoupled { Method::AdamW(method) } else { Method::Adam(method) };
            (method, number("lr", 1e-3), weight_decay)
        }
        "RMSprop" => {
            arguments.only(&["lr", "alpha", "eps", "momentum", "centered"], decay)?;
            let method = RmsProp {
                rho: number("alpha", 0.99),
                momentum: number("momentum", 0.0),
                epsilon: squared(1e-8),
                centered: arguments.on("centered"),
            };
            (Method::RmsProp(method), number("lr", 0.01), 0.0)
        }
        "Adagrad" => {
            arguments.only(&["lr", "eps", "initial_accumulator_value"], decay)?;
            let initial_accumulator_value = number("initial_accumulator_value", 0.0);
            let method = Adagrad { initial_accumulator_value, epsilon: squared(1e-10) };
            (Method::Adagrad(method), number("lr", 0.01), 0.0)
        }
        other => {
            return Err(format!(
                "cannot be trained with PyTorch's optimizer {other}, which wgrad does not have; it has SGD, Adam, AdamW, \
                 RMSprop, Adagrad"
            ));
        }
    };
    Ok(Optimizer { learning_rate: rate, weight_decay, ..Optimizer::new(method) })
}

/// The loss that an object of `torch.nn` is here. `None` if it is no object of PyTorch. The argument `one_hot`, which
/// PyTorch does not have, says that labels are rows with a 1 at their class.
pub fn loss(value: &Value) -> Option<Compiled> {
    let (class, arguments) = class(value, "torch.nn")?;
    Some(
        loss_of(class, &arguments)
            .unwrap_or_else(|missing| Compiled { missing: Some(missing), ..Compiled::default() }),
    )
}

fn loss_of(class: &str, arguments: &Arguments<'_>) -> Result<Compiled, String> {
    let number = |name, default| arguments.number(name, default);
    let weights = "wgrad.fit has class_weight and sample_weight, whose mean is over the rows";
    let reduction = arguments.config.get("reduction").and_then(Value::as_str).unwrap_or("mean");
    if reduction != "mean" {
        return Err(format!(
            "cannot be trained with reduction=\"{reduction}\" of PyTorch's {class}: wgrad takes the mean over a batch; \
             leave the reduction out"
        ));
    }
    let classes = |loss, from_logits| Compiled {
        loss: Some(loss),
        from_logits: Some(from_logits),
        ..Compiled::default()
    };
    let numbers = |loss| Compiled { loss: Some(loss), ..Compiled::default() };
    let ignored = arguments.config.get("ignore_index").and_then(Value::as_i64);
    if let Some(label @ 0..) = ignored {
        return Err(format!(
            "cannot be trained with ignore_index={label} of PyTorch's {class}, which wgrad does not have; remove these rows"
        ));
    }
    match class {
        "CrossEntropyLoss" => {
            let known = ["reduction", "ignore_index", "label_smoothing", "one_hot"];
            arguments.only(&known, weights)?;
            let one_hot = arguments.on("one_hot");
            let label_smoothing = number("label_smoothing", 0.0);
            Ok(Compiled { one_hot, label_smoothing, ..classes(Loss::SoftmaxCrossEntropy, true) })
        }
        "NLLLoss" => {
            arguments.only(&["reduction", "ignore_index", "log_softmax"], weights)?;
            if !arguments.on("log_softmax") {
                return Err("cannot be trained with PyTorch's NLLLoss, which takes log-probabilities: end the module with \
                            LogSoftmax, or use CrossEntropyLoss"
                    .into());
            }
            Ok(classes(Loss::SoftmaxCrossEntropy, true))
        }
        "BCELoss" | "BCEWithLogitsLoss" => {
            arguments.only(&["reduction"], weights)?;
            Ok(classes(Loss::BinaryCrossEntropy, class == "BCEWithLogitsLoss"))
        }
        "MSELoss" => Ok(numbers(Loss::MeanSquaredError)),
        "L1Loss" => Ok(numbers(Loss::MeanAbsoluteError)),
        "HuberLoss" => Ok(numbers(Loss::Huber { delta: number("delta", 1.0) })),
        "SmoothL1Loss" if number("beta", 1.0) == 1.0 => Ok(numbers(Loss::Huber { delta: 1.0 })),
        "SmoothL1Loss" => Err(format!(
            "cannot be trained with beta={} of PyTorch's SmoothL1Loss, which divides by it; use HuberLoss(delta=...)",
            number("beta", 1.0)
        )),
        other => Err(format!(
            "cannot be trained with PyTorch's loss {other}, which wgrad does not have; it has CrossEntropyLoss, NLLLoss, \
             BCELoss, BCEWithLogitsLoss, MSELoss, L1Loss, HuberLoss, SmoothL1Loss"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{loss, optimizer};
    use serde_json::{Value, json};
    use wgrad::{
        loss::Loss,
        optim::{Adagrad, Adam, Method, Optimizer, Sgd},
    };

    fn of(module: &str, class: &str, config: &Value) -> Value {
        json!({"module": module, "class_name": class, "config": config})
    }

    #[test]
    fn optimizers_keep_their_arguments() {
        let own =
            |class, config: &Value| optimizer(&of("torch.optim", class, config)).expect("one of PyTorch");
        let sgd = Optimizer {
            learning_rate: 0.1,
            weight_decay: 0.01,
            ..Optimizer::new(Method::Sgd(Sgd { momentum: 0.9, nesterov: true }))
        };
        let config = json!({"lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 0.01, "nesterov": true,
            "maximize": false, "foreach": null, "differentiable": false, "fused": null});
        assert_eq!(own("SGD", &config), Ok(sgd));
        let adam = Adam { beta_1: 0.8, beta_2: 0.9, epsilon: 1e-8 };
        let adam = |method: fn(Adam) -> Method, weight_decay| Optimizer {
            weight_decay,
            learning_rate: 0.01,
            ..Optimizer::new(method(adam))
        };
        let config = |weight_decay: f64| {
            json!({"lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-8,
            "weight_decay": weight_decay, "amsgrad": false, "decoupled_weight_decay": false})
        };
        assert_eq!(own("Adam", &config(0.0)), Ok(adam(Method::Adam, 0.0)));
        assert_eq!(own("AdamW", &config(0.5)), Ok(adam(Method::AdamW, 0.5)));
        let adagrad = Adagrad { initial_accumulator_value: 0.0, epsilon: 1e-10_f64.powi(2) };
        let adagrad = Optimizer { learning_rate: 0.01, ..Optimizer::new(Method::Adagrad(adagrad)) };
        assert_eq!(own("Adagrad", &json!({"lr": 0.01, "lr_decay": 0, "eps": 1e-10})), Ok(adagrad));
        assert_eq!(optimizer(&json!("adam")), None);
    }

    #[test]
    fn losses_are_those_of_wgrad() {
        let own = |class, config: &Value| loss(&of("torch.nn", class, config)).expect("one of PyTorch");
        let found = own(
            "CrossEntropyLoss",
            &json!({"ignore_index": -100, "label_smoothing": 0.1, "reduction": "mean"}),
        );
        let all = (found.loss, found.from_logits, found.label_smoothing, found.missing);
        assert_eq!(all, (Some(Loss::SoftmaxCrossEntropy), Some(true), 0.1, None));
        assert_eq!(own("BCELoss", &json!({})).from_logits, Some(false));
        assert_eq!(own("HuberLoss", &json!({"delta": 0.5})).loss, Some(Loss::Huber { delta: 0.5 }));
        assert_eq!(own("NLLLoss", &json!({"log_softmax": true})).from_logits, Some(true));
    }

    #[test]
    fn what_would_train_otherwise_is_refused() {
        for (class, config, words) in [
            ("SGD", json!({"dampening": 0.1}), "dampening=0.1"),
            ("SGD", json!({"maximize": true}), "maximize=True"),
            ("Adam", json!({"weight_decay": 0.1}), "AdamW"),
            ("Adam", json!({"amsgrad": true}), "amsgrad=True"),
            ("RMSprop", json!({"weight_decay": 0.1}), "weight_decay=0.1"),
            ("NAdam", json!({}), "NAdam"),
        ] {
            let why = optimizer(&of("torch.optim", class, &config)).and_then(Result::err);
            assert!(
                why.is_some_and(|why| why.starts_with("cannot be trained with ") && why.contains(words)),
                "{class}"
            );
        }
        for (class, config, words) in [
            ("CrossEntropyLoss", json!({"weight": [1.0, 2.0]}), "weight=[1.0,2.0]"),
            ("CrossEntropyLoss", json!({"ignore_index": 2}), "ignore_index=2"),
            ("MSELoss", json!({"reduction": "sum"}), "reduction=\"sum\""),
            ("SmoothL1Loss", json!({"beta": 0.5}), "beta=0.5"),
            ("NLLLoss", json!({}), "LogSoftmax"),
            ("CTCLoss", json!({}), "CTCLoss"),
        ] {
            let why = loss(&of("torch.nn", class, &config)).and_then(|found| found.missing);
            assert!(
                why.is_some_and(|why| why.starts_with("cannot be trained with ") && why.contains(words)),
                "{class}"
            );
        }
    }
}
