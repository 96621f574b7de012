//! Builds a network as in a Keras tutorial, trains it on garments drawn from a seed, and classifies one.
//! Run it with `cargo run --release --example train`.

use std::ops::ControlFlow;
use wgrad::{
    gpu::{Context, Options as Device},
    layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D},
    model::Model,
    predict::Predictor,
    selection::Choices,
    train::{Options, Trainer},
};
use wgrad_data::synthetic::synthetic;

fn main() -> wgrad::Result<()> {
    pollster::block_on(async {
        let context = Context::open(&Device::default()).await?;
        println!("adapter: {}", context.describe());

        // Images of your own, as arrays in memory: `Dataset::from_arrays`.
        let data = synthetic(0, 2000, 500);
        let model = Model::new("small", [28, 28, 1])
            .add(Conv2D::new(8, 3).strides(2).activation("relu")?)
            .add(MaxPooling2D::new(2))
            .add(Flatten::new())
            .add(Dropout::new(0.2))
            .add(Dense::new(10).activation("softmax")?);

        let options = Options { epochs: 3, batch: 50, ..Options::default() };
        let mut trainer = Trainer::new(&context, &model, &data, options).await?;
        for epoch in 1..=3 {
            let ControlFlow::Continue(train) = trainer.epoch(|_, _| ControlFlow::Continue(())).await? else {
                break;
            };
            let test = trainer.evaluate(&data.test).await?;
            println!("epoch {epoch}: loss {:.3}, test accuracy {:.3}", train.loss, test.accuracy);
        }

        let state = trainer.checkpoint().await?;
        let predictor = Predictor::new(&context, &model, &state, 1, &Choices::default()).await?;
        let image = data.test.image(0, data.pixels()).unwrap_or_default();
        let probabilities = predictor.probabilities(&image).await?.remove(0);
        let best = (0..10).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0);
        let truth = data.test.labels[0] as usize;
        println!("the first test image is a {}, taken for a {}", data.classes[truth], data.classes[best]);
        Ok(())
    })
}
