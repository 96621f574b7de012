//! The optimizer's kernel against PyTorch's SGD, on given gradients, step by step. The fixture comes from
//! `scripts/make_parity_fixtures.py`; its trajectories are in f64.

use safetensors::SafeTensors;
use std::collections::HashMap;
use wgrad::{
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers},
    kernels::SGD,
    op::Call,
    selection::Choices,
};

fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("the fixture has {name}"));
    match tensor.dtype() {
        safetensors::Dtype::F64 => bytemuck::pod_collect_to_vec(tensor.data()),
        _ => bytemuck::pod_collect_to_vec::<u8, f32>(tensor.data()).into_iter().map(f64::from).collect(),
    }
}

struct Settings {
    learning_rate: f32,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Settings {
    fn read(metadata: &HashMap<String, String>, name: &str) -> Self {
        let text = |key: &str| {
            let key = format!("{name}.{key}");
            metadata.get(&key).unwrap_or_else(|| panic!("the fixture's header has {key}")).clone()
        };
        let number = |key: &str| text(key).parse::<f64>().expect("a number");
        Self {
            learning_rate: number("lr") as f32,
            momentum: number("momentum"),
            nesterov: text("nesterov") == "true",
            weight_decay: number("weight_decay"),
        }
    }
}

/// The largest error of 20 steps, relative to the largest parameter.
async fn error(context: &Context, file: &SafeTensors<'_>, name: &str, settings: &Settings) -> f64 {
    let (initial, gradients, expected) =
        (numbers(file, "initial"), numbers(file, "gradients"), numbers(file, name));
    let count = initial.len();
    assert_eq!((count, gradients.len(), expected.len()), (37, 20 * 37, 20 * 37));
    let call =
        Call::new(&SGD, &[("COUNT", count), ("NESTEROV", usize::from(settings.nesterov)), ("CLIPPED", 0)])
            .with("MOMENTUM", settings.momentum)
            .with("WEIGHT_DECAY", settings.weight_decay);
    let variant = call.variant(context, &Choices::default()).expect("a variant").0;
    let kernel = context.kernel(&call, &variant).await.expect("compiles");
    let zeros = |label| context.zeros(label, count).expect("fits");
    let (parameter, velocity, grad) = (zeros("parameter"), zeros("velocity"), zeros("grad"));
    let scale = context.zeros("scale", 1).expect("fits");
    let buffers = [("parameter", &parameter), ("velocity", &velocity), ("grad", &grad), ("scale", &scale)];
    let launch = context.bind(&kernel, &buffers).expect("binds");
    let feed = FeedBuffers::new(context, 1, (4, 1), 1).expect("fits");
    let step = Step { rows: 1, learning_rate: settings.learning_rate, ..Step::default() };
    feed.upload(context, &Batch { images: vec![0; 4], labels: vec![0] }, &[step]);
    let singles = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<_>>();
    context.write(&parameter, &singles(&initial));
    let size = expected.iter().map(|e| e.abs()).fold(0.0, f64::max);
    let mut worst = 0.0f64;
    for (gradient, expected) in gradients.chunks_exact(count).zip(expected.chunks_exact(count)) {
        context.write(&grad, &singles(gradient));
        context.submit_with(|pass| {
            feed.select(pass, 0);
            launch.record(pass);
        });
        let got = context.read(&parameter).await.expect("reads");
        for (got, expected) in got.iter().zip(expected) {
            let off = (f64::from(*got) - expected).abs() / size;
            worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
        }
    }
    worst
}

#[test]
fn sgd_moves_like_pytorch() {
    let context = wgrad_testing::open(false);
    let bytes = std::fs::read(wgrad_testing::fixture("optimizer.safetensors")).expect("fixture");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("safetensors");
    let metadata = header.metadata().clone().expect("settings");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    for name in ["momentum", "nesterov", "weight_decay", "all"] {
        let settings = Settings::read(&metadata, name);
        let worst = pollster::block_on(error(&context, &file, name, &settings));
        println!("{name}: off by {worst:.1e} of the largest parameter");
        assert!(worst <= 1e-6, "{name}: {worst:e}");
        // Each hyperparameter matters: without it, the same comparison fails.
        let without = [
            Settings { learning_rate: settings.learning_rate * 1.001, ..settings },
            Settings { momentum: 0.0, nesterov: false, ..settings },
            Settings { weight_decay: 0.0, ..settings },
            Settings { nesterov: false, ..settings },
        ];
        let counts = [true, settings.momentum > 0.0, settings.weight_decay > 0.0, settings.nesterov];
        for (wrong, _) in without.iter().zip(counts).filter(|(_, counts)| *counts) {
            let worst = pollster::block_on(error(&context, &file, name, wrong));
            assert!(worst > 1e-5, "{name} with a wrong setting: {worst:e}");
        }
    }
}
