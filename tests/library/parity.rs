//! wgrad against PyTorch: same weights, same batches, loss for loss. The fixtures come from
//! `scripts/make_parity_fixtures.py`, which computed them in float64.

use safetensors::SafeTensors;
use std::ops::ControlFlow;
use wgrad::{
    checkpoint::Checkpoint,
    data::Dataset,
    layers::{Dropout, Layer},
    model::Model,
    networks::network,
    optim::Optimizer,
    selection::Choices,
    train::{Options, Trainer},
};
use wgrad_data::folder;

fn data() -> Dataset {
    folder::load(&wgrad_testing::fixture("parity")).expect("the fixture loads")
}

/// The built-in network, without dropout.
fn model(name: &str, data: &Dataset) -> Model {
    let mut model = network(name, [28, 28, 1], data.classes.len()).expect("built in");
    model.layers.retain(|layer| !matches!(layer, Layer::Dropout(Dropout { .. })));
    model
}

fn options(bytes: &[u8], variants: &Choices) -> Options {
    let (_, header) = SafeTensors::read_metadata(bytes).expect("safetensors");
    let rate = header.metadata().as_ref().and_then(|m| m.get("lr")?.parse().ok()).expect("a learning rate");
    let optimizer = Optimizer { learning_rate: rate, ..Optimizer::default() };
    Options { batch: 32, shuffle: false, optimizer, variants: variants.clone(), ..Options::default() }
}

fn numbers(bytes: &[u8], name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(bytes).expect("safetensors");
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("the fixture has {name}"));
    match tensor.dtype() {
        safetensors::Dtype::F64 => bytemuck::pod_collect_to_vec(tensor.data()),
        _ => bytemuck::pod_collect_to_vec::<u8, f32>(tensor.data()).into_iter().map(f64::from).collect(),
    }
}

async fn agrees(name: &str, variants: &Choices) {
    let context = wgrad_testing::open(false);
    let data = data();
    let model = model(name, &data);
    let bytes =
        std::fs::read(wgrad_testing::fixture(&format!("parity_{name}.safetensors"))).expect("fixture");
    let parameters = model.parameters().expect("fits");
    let start = Checkpoint::from_bytes("fixture", &bytes, &parameters).expect("weights");

    // The gradients of the first step: an epoch of one batch.
    let one = data.clone().limit(32, 32);
    let mut trainer = Trainer::new(&context, &model, one, options(&bytes, variants)).await.expect("compiles");
    trainer.restore(&start);
    trainer.epoch(|_, _| ControlFlow::Continue(())).await.expect("trains").finished().expect("ends");
    let gradients = context.read(&trainer.arenas().gradients).await.expect("reads");
    assert!(!parameters.is_empty());
    for p in &parameters {
        let expected = numbers(&bytes, &format!("grad.{}", p.name));
        let got = &gradients[p.offset..p.offset + p.len()];
        assert_eq!(got.len(), expected.len());
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let size = norm(&mut expected.iter().copied());
        let error = norm(&mut got.iter().zip(&expected).map(|(g, e)| f64::from(*g) - e));
        println!("{name}: gradient of {} is off by {:.1e} of its norm", p.name, error / size);
        assert!(error <= 1e-5 * size, "gradient of {}: {error:e} of {size:e}", p.name);
    }

    // A hundred steps.
    let expected = numbers(&bytes, "losses");
    assert_eq!(expected.len(), 100);
    let mut trainer =
        Trainer::new(&context, &model, data.clone(), options(&bytes, variants)).await.expect("compiles");
    trainer.restore(&start);
    let mut losses = Vec::new();
    while losses.len() < expected.len() {
        let each = |_: &_, result: &wgrad::metrics::StepResult| {
            losses.push(result.loss());
            ControlFlow::Continue(())
        };
        trainer.epoch(each).await.expect("trains").finished().expect("ends");
    }
    let worst = losses.iter().zip(&expected).map(|(g, e)| ((g - e) / e).abs()).fold(0.0, f64::max);
    println!("{name}: the worst of 100 losses is off by {worst:.1e}");
    for (step, (got, expected)) in losses.iter().zip(&expected).enumerate() {
        let error = (got - expected).abs();
        assert!(error <= 1e-4 * expected, "{name}: loss of step {} is {got}, PyTorch's {expected}", step + 1);
    }
}

#[test]
fn linear_trains_like_pytorch() {
    pollster::block_on(agrees("linear", &Choices::default()));
}

#[test]
fn mlp_trains_like_pytorch() {
    pollster::block_on(agrees("mlp", &Choices::default()));
}

#[test]
fn cnn_trains_like_pytorch() {
    pollster::block_on(agrees("cnn", &Choices::default()));
}

#[test]
fn rnn_trains_like_pytorch() {
    pollster::block_on(agrees("rnn", &Choices::default()));
}

#[test]
fn lstm_trains_like_pytorch() {
    pollster::block_on(agrees("lstm", &Choices::default()));
}

#[test]
fn gru_trains_like_pytorch() {
    pollster::block_on(agrees("gru", &Choices::default()));
}
