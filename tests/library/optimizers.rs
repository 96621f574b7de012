//! 64 steps of every optimizer on a small network against Keras and PyTorch in f64, whose trajectories
//! `scripts/make_optimizer_fixtures.py` wrote; and the effect of each hyperparameter.

use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::{collections::HashMap, ops::ControlFlow};
use wgrad::{
    checkpoint::Checkpoint,
    data::Dataset,
    gpu::Context,
    layers::{Dense, Flatten},
    model::Model,
    optim::Optimizer,
    train::{Options, Trainer},
};
use wgrad_data::{Places, load};

const STEPS: usize = 64;
/// Allowed error of a number, as a share of the largest of its kind.
const SHARE: f64 = 1e-5;

struct Fixture {
    bytes: Vec<u8>,
    configs: HashMap<String, String>,
    data: Dataset,
    model: Model,
    start: Checkpoint,
}

/// Results of a training: losses, some parameters, some of their averages.
#[derive(Debug)]
struct Outcome(Vec<(&'static str, Vec<f64>)>);

fn fixture() -> Fixture {
    let bytes = std::fs::read(wgrad_testing::fixture("optimizers.safetensors")).expect("fixture");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("safetensors");
    let configs = header.metadata().clone().expect("settings");
    let configs = configs.into_iter().filter(|(_, config)| config.starts_with('{')).collect();
    let spec = wgrad_testing::fixture("parity").display().to_string().parse().expect("a folder");
    let data = load(&spec, &Places::default()).expect("loads");
    let model = Model::new("small", [28, 28, 1])
        .add(Flatten::new())
        .add(Dense::new(12).activation("tanh").expect("known"))
        .add(Dense::new(10).activation("softmax").expect("known"));
    let parameters = model.parameters().expect("fits");
    let start = Checkpoint::from_bytes("the fixture", &bytes, &parameters).expect("weights");
    Fixture { bytes, configs, data, model, start }
}

/// The optimizer of a configuration, with defaults for missing entries.
fn optimizer(config: &Value) -> Optimizer {
    let mut all = json!({"momentum": 0.0, "nesterov": false, "centered": false, "weight_decay": 0.0});
    let fields = config.as_object().expect("an object").clone();
    all.as_object_mut().expect("an object").extend(fields);
    serde_json::from_value(all).expect("an optimizer")
}

impl Fixture {
    /// Trains 64 steps, four epochs, from the fixture's weights.
    async fn train(&self, context: &Context, optimizer: Optimizer) -> Outcome {
        let options = Options { batch: 32, epochs: 4, optimizer, shuffle: false, ..Options::default() };
        let mut trainer =
            Trainer::new(context, &self.model, self.data.clone(), options).await.expect("compiles");
        trainer.restore(&self.start);
        let mut losses = Vec::new();
        for _ in 0..4 {
            let each = |_: &_, result: &wgrad::metrics::StepResult| {
                losses.push(result.loss());
                ControlFlow::Continue(())
            };
            assert!(trainer.epoch(each).await.expect("trains").finished().is_some());
        }
        let saved = trainer.checkpoint().await.expect("reads");
        let find = |name: &str, arena: &[f32]| {
            let p = trainer.parameters().iter().find(|p| p.name == name).expect("there").clone();
            arena[p.offset..p.offset + p.len()].iter().map(|v| f64::from(*v)).collect::<Vec<f64>>()
        };
        let mut all = vec![
            ("losses", losses),
            ("dense_2.kernel", find("dense_2.kernel", &saved.weights)),
            ("dense_1.bias", find("dense_1.bias", &saved.weights)),
        ];
        if !saved.averages.is_empty() {
            all.push(("average.dense_2.kernel", find("dense_2.kernel", &saved.averages)));
        }
        Outcome(all)
    }
}

/// The largest distance of any number from the fixture's, as a share of the largest of its kind.
fn distance(fixture: &Fixture, name: &str, outcome: &Outcome) -> f64 {
    let file = SafeTensors::deserialize(&fixture.bytes).expect("safetensors");
    let mut worst = 0.0f64;
    for (what, got) in &outcome.0 {
        let tensor = file.tensor(&format!("{name}.{what}")).expect("in the fixture");
        let expected: Vec<f64> = bytemuck::pod_collect_to_vec(tensor.data());
        assert_eq!(got.len(), expected.len(), "{name}.{what}");
        let size = expected.iter().map(|e| e.abs()).fold(0.0, f64::max);
        for (got, expected) in got.iter().zip(&expected) {
            let off = (got - expected).abs() / size;
            worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
        }
    }
    worst
}

#[test]
fn every_optimizer_moves_like_keras_and_pytorch() {
    let (context, fixture) = (wgrad_testing::open(false), fixture());
    let mut names: Vec<_> = fixture.configs.keys().collect();
    names.sort();
    assert_eq!(names.len(), 15);
    for name in names {
        let config = serde_json::from_str(&fixture.configs[name]).expect("JSON");
        let outcome = pollster::block_on(fixture.train(&context, optimizer(&config)));
        let averaged = outcome.0.iter().any(|(what, _)| what.starts_with("average"));
        assert_eq!(averaged, config.get("ema_momentum").is_some());
        assert_eq!(outcome.0[0].1.len(), STEPS);
        let worst = distance(&fixture, name, &outcome);
        println!("{name}: off by {worst:.1e}");
        assert!(worst <= SHARE, "{name}: {worst:e}");
    }
}

#[test]
fn each_number_of_an_optimizer_counts() {
    let (context, fixture) = (wgrad_testing::open(false), fixture());
    let mut tried = 0;
    for name in
        ["sgd_all", "adam_all", "rmsprop_all", "rmsprop_centered", "adagrad_all", "lion_all", "muon_all"]
    {
        let config: Value = serde_json::from_str(&fixture.configs[name]).expect("JSON");
        for (key, value) in config.as_object().expect("an object") {
            let mut wrong = config.clone();
            wrong[key] = match value {
                Value::Bool(on) => json!(!on),
                Value::Number(number) if number.is_u64() => json!(number.as_u64().expect("whole") - 1),
                Value::Number(number) => json!(number.as_f64().expect("a number") * 0.97),
                _ => continue,
            };
            let outcome = pollster::block_on(fixture.train(&context, optimizer(&wrong)));
            let worst = distance(&fixture, name, &outcome);
            assert!(worst > SHARE, "{name} with another {key} is as near: {worst:e}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}
