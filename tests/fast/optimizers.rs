//! Every optimizer of the table: its record, options, ranges and defaults.

use wgrad::{
    feed::Step,
    optim::{Adagrad, Adam, Lion, Method, Muon, Optimizer, RmsProp, Sgd, Value},
};

#[test]
fn an_optimizer_comes_back_from_its_record_and_so_do_the_first_ones() {
    let methods = [
        Method::Sgd(Sgd { momentum: 0.9, nesterov: true }),
        Method::Adam(Adam::default()),
        Method::AdamW(Adam { beta_1: 0.8, ..Adam::default() }),
        Method::RmsProp(RmsProp { rho: 0.9, momentum: 0.1, epsilon: 1e-7, centered: true }),
        Method::Adagrad(Adagrad { initial_accumulator_value: 0.1, epsilon: 1e-7 }),
        Method::Lion(Lion { beta_1: 0.9, beta_2: 0.99 }),
        Method::Muon(Muon { ns_steps: 4, ..Muon::default() }),
    ];
    for method in methods {
        let optimizer = Optimizer { ema_momentum: Some(0.99), ..Optimizer::new(method) };
        optimizer.validate().expect("makes sense");
        let text = serde_json::to_string(&optimizer).expect("writes");
        assert_eq!(serde_json::from_str::<Optimizer>(&text).expect("reads"), optimizer, "{text}");
    }
    let first = r#"{"learning_rate":0.1,"momentum":0.5,"nesterov":true,"weight_decay":0.01}"#;
    let expected = Optimizer {
        learning_rate: 0.1,
        weight_decay: 0.01,
        ..Optimizer::new(Method::Sgd(Sgd { momentum: 0.5, nesterov: true }))
    };
    assert_eq!(serde_json::from_str::<Optimizer>(first).expect("reads"), expected);
    assert!(serde_json::from_str::<Optimizer>(r#"{"method":"adam","learning_rate":0.1}"#).is_err());
}

#[test]
fn every_method_of_the_table_is_whole() {
    let mut names = Vec::new();
    for method in Method::all() {
        let about = method.about();
        let reported = [about.name, about.line, about.source];
        assert!(reported.iter().all(|words| !words.is_empty()), "{about:?}");
        assert!(!names.contains(&about.name), "{about:?}");
        names.push(about.name);
        assert_eq!(Method::named(about.name).expect("known"), method);
        let optimizer = Optimizer::new(method);
        optimizer.validate().expect("its defaults make sense");
        assert_eq!((optimizer.name(), optimizer.momentum().is_some_and(|m| m <= 0.0)), (about.name, false));
        assert!(!optimizer.slots().is_empty());

        // The record holds the name and the options, and nothing else.
        let record = serde_json::to_value(method).expect("writes");
        assert_eq!(record["method"], about.name);
        let numbers = method.numbers();
        assert_eq!(record.as_object().expect("an object").len(), 1 + numbers.len());
        for number in numbers {
            assert!(number.about.ends_with('.') && !number.about.contains("  "), "{number:?}");
            let (other, outside) = match number.value {
                Value::Real(value) => (Value::Real(value / 2.0 + 0.25), Some(Value::Real(f64::NAN))),
                Value::Whole(value) => (Value::Whole(value + 1), Some(Value::Whole(0))),
                Value::Switch(on) => (Value::Switch(!on), None),
            };
            let mut changed = method;
            assert!(changed.set(number.name, other), "{number:?}");
            let text = serde_json::to_string(&changed).expect("writes");
            assert_eq!(serde_json::from_str::<Method>(&text).expect("reads"), changed, "{text}");
            let before = &record[number.name];
            let after = &serde_json::to_value(changed).expect("writes")[number.name];
            assert!(!before.is_null() && before != after, "{number:?}: {before}, {after}");
            Optimizer::new(changed).validate().expect("is in its range");
            if let Some(outside) = outside {
                assert!(changed.set(number.name, outside));
                let said = Optimizer::new(changed).validate().expect_err("refused").to_string();
                assert!(said.starts_with(&format!("`.{}` is ", number.name)), "{said}");
            }
            let strange = match number.value {
                Value::Real(_) | Value::Whole(_) => Value::Switch(true),
                Value::Switch(_) => Value::Real(1.0),
            };
            assert!(!changed.set(number.name, strange), "{number:?} is of another kind");
        }
        let mut same = method;
        assert!(!same.set("learning_rate", Value::Real(0.5)));
    }
    let said = Method::named("adamx").expect_err("unknown").to_string();
    assert!(said.contains("adamx") && said.contains(&names.join(", ")), "{said}");
}

#[test]
fn a_momentum_that_a_schedule_moves_is_a_shift_of_its_own() {
    let optimizer = Optimizer::new(Method::Adam(Adam::default()));
    let step = optimizer.fill(Step::default(), 0, 0.5, Some(0.85));
    assert!((step.learning_rate - 0.0005).abs() < 1e-9);
    assert!((step.momentum_shift + 0.05).abs() < 1e-7);
    // √(1 - 0.999) / (1 - 0.85)
    assert!((step.correction - 0.210_818_5).abs() < 1e-6, "{}", step.correction);
    assert_eq!(optimizer.fill(Step::default(), 0, 1.0, None).momentum_shift, 0.0);
}
