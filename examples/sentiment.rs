//! Reads reviews of a few made-up words: which are good, and which are not? A word means the opposite behind "not", so the
//! network has to look at pairs of words. Run it with `cargo run --release --example sentiment`.

use std::ops::ControlFlow;
use wgrad::{
    Error, Result,
    data::Dataset,
    gpu::{Context, Options as Device},
    layers::{Add, Dense, Embedding, GlobalAveragePooling1D, MultiHeadAttention, Reshape},
    model::Model,
    optim::{Adam, Method, Optimizer},
    predict::Predictor,
    selection::Choices,
    train::{Epoch, Events, Options, Trainer},
};

/// Steps of a review; shorter ones end in words 0.
const STEPS: usize = 8;
/// The vocabulary. Word 0 stands for nothing.
const WORDS: [&str; 20] = [
    "", "not", "the", "film", "plot", "music", "is", "was", "and", "very", "good", "great", "lovely",
    "funny", "bad", "dull", "awful", "boring", "really", "a",
];
const GOOD: std::ops::Range<usize> = 10..14;
const BAD: std::ops::Range<usize> = 14..18;

/// The numbers of a text's words.
fn tokens(text: &str) -> Vec<f32> {
    let number = |word: &str| WORDS.iter().position(|known| *known == word).unwrap_or(0) as f32;
    let mut row: Vec<f32> = text.split_whitespace().map(number).take(STEPS).collect();
    row.resize(STEPS, 0.0);
    row
}

/// `count` reviews with their labels: 1 for good ones.
fn reviews(count: usize, mut seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut below = |most: usize| {
        // A linear congruential generator (Knuth's MMIX).
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % most
    };
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (good, negated) = (below(2) == 1, below(2) == 1);
        let thing = ["film", "plot", "music"][below(3)];
        let verb = ["is", "was"][below(2)];
        let stress = ["", "very ", "really "][below(3)];
        let words = if good != negated { GOOD } else { BAD };
        let word = WORDS[words.start + below(words.len())];
        let not = if negated { "not " } else { "" };
        rows.extend(tokens(&format!("the {thing} {verb} {not}{stress}{word}")));
        labels.push(u32::from(good));
    }
    (rows, labels)
}

/// Prints a line every few epochs.
struct Print;

impl Events for Print {
    type Error = Error;

    async fn on_epoch_end(&mut self, _: &mut Trainer, epoch: &Epoch) -> Result<ControlFlow<()>> {
        if epoch.epoch % 4 == 3 {
            let (train, test) = (epoch.train, epoch.test.metrics);
            println!("epoch {}: loss {:.3}, test accuracy {:.3}", epoch.epoch + 1, train.loss, test.accuracy);
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn main() -> Result<()> {
    pollster::block_on(async {
        let context = Context::open(&Device::default()).await?;
        println!("adapter: {}", context.describe());

        let shape = [1, 1, STEPS];
        let data =
            Dataset::from_arrays("reviews", shape, &["bad", "good"], reviews(2000, 1), reviews(500, 2))?;
        let model = Model::new("sentiment", shape)
            .add(Reshape { target_shape: vec![STEPS as i64], name: None })
            .add(Embedding { name: Some("words".into()), ..Embedding::new(WORDS.len(), 16) })
            .add_from(
                MultiHeadAttention { name: Some("attention".into()), ..MultiHeadAttention::new(2, 8) },
                &["words", "words"],
            )
            .add_from(Add::new(), &["words", "attention"])
            .add(Dense::new(16).activation("relu")?)
            .add(GlobalAveragePooling1D::new())
            .add(Dense::new(2).activation("softmax")?);

        let optimizer = Optimizer { learning_rate: 0.005, ..Optimizer::new(Method::Adam(Adam::default())) };
        let options = Options { epochs: 20, batch: 50, optimizer, ..Options::default() };
        let mut trainer = Trainer::new(&context, &model, data.clone(), options).await?;
        trainer.fit(&mut Print).await?;

        let state = trainer.checkpoint().await?;
        let predictor = Predictor::new(&context, &model, &data.input, &state, 1, &Choices::default()).await?;
        for text in ["the plot is lovely", "the plot is not lovely", "the music was not very dull"] {
            let row: Vec<u8> = tokens(text).into_iter().flat_map(f32::to_le_bytes).collect();
            let shares = predictor.probabilities(&row).await?.remove(0);
            println!("{text}: good with probability {:.3}", shares[1]);
        }
        Ok(())
    })
}
