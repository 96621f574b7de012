//! Builds a network as in a Keras tutorial, trains it on garments drawn from a seed, and classifies one image. Run it
//! with `cargo run --release --example train`.

use std::ops::ControlFlow;
use wgrad::{
    Error, Result,
    callbacks::{Callbacks, EarlyStopping},
    gpu::{Context, Options as Device},
    layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D},
    model::Model,
    predict::Predictor,
    selection::Choices,
    train::{Epoch, Events, Options, Trainer},
};
use wgrad_data::synthetic::synthetic;

/// Prints a line per epoch.
struct Print;

impl Events for Print {
    type Error = Error;

    async fn on_epoch_end(&mut self, _: &mut Trainer, epoch: &Epoch) -> Result<ControlFlow<()>> {
        let (train, test) = (epoch.train, epoch.test.metrics);
        println!("epoch {}: loss {:.3}, test accuracy {:.3}", epoch.epoch, train.loss, test.accuracy);
        Ok(ControlFlow::Continue(()))
    }
}

fn main() -> Result<()> {
    pollster::block_on(async {
        let context = Context::open(&Device::default()).await?;
        println!("adapter: {}", context.describe());

        // For your own images, as arrays in memory, use `Dataset::from_arrays`.
        let data = synthetic(0, 2000, 500);
        let model = Model::new("small", [28, 28, 1])
            .add(Conv2D::new(8, 3).strides(2).activation("relu")?)
            .add(MaxPooling2D::new(2))
            .add(Flatten::new())
            .add(Dropout::new(0.2))
            .add(Dense::new(10).activation("softmax")?);

        let early_stopping = Some(EarlyStopping { patience: 2, min_delta: 0.0 });
        let callbacks = Callbacks { early_stopping, ..Callbacks::default() };
        let options = Options { epochs: 3, batch: 50, callbacks, ..Options::default() };
        let mut trainer = Trainer::new(&context, &model, data.clone(), options).await?;
        trainer.fit(&mut Print).await?;
        trainer.restore_best_weights();

        let state = trainer.checkpoint().await?;
        let predictor = Predictor::new(&context, &model, &data.input, &state, 1, &Choices::default()).await?;
        let image = data.test.image(0, data.pixels()).unwrap_or_default();
        let probabilities = predictor.probabilities(&image).await?.remove(0);
        let best = (0..10).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0);
        let truth = data.test.labels[0] as usize;
        println!("the first test image is a {}, taken for a {}", data.classes[truth], data.classes[best]);
        Ok(())
    })
}
