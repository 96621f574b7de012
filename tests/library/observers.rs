//! Observers of a running training: predictions with its weights change none of its bits, and a change of the learning
//! rate takes effect from the step that the options record. The page that offers both is tested elsewhere.

use std::{cell::RefCell, ops::ControlFlow::Continue, rc::Rc};
use wgrad::{
    Result,
    checkpoint::Checkpoint,
    data::Dataset,
    gpu::Context,
    metrics::StepResult,
    model::Model,
    networks::network,
    observe::Beside,
    optim::{Adam, Method, Optimizer},
    predict::{Asked, Predictor},
    preprocessing::Preprocessing,
    schedule::{Decay, Schedule},
    selection::Choices,
    train::{Options, RateChange, Trainer},
};
use wgrad_data::synthetic::synthetic;

const EPOCHS: u64 = 3;
/// Steps of an epoch: 69 images in batches of 16.
const STEPS: u64 = 5;

fn data() -> Dataset {
    synthetic(3, 69, 21)
}

/// With averaged weights, so that the weights that predict are not those that are trained.
fn options() -> Options {
    let optimizer = Optimizer { ema_momentum: Some(0.9), ..Optimizer::new(Method::Adam(Adam::default())) };
    let schedule = Schedule { decay: Decay::Cosine { last: 0.1 }, warmup_steps: 2 };
    // One batch per chunk: as many submissions as steps.
    Options { batch: 16, epochs: EPOCHS, optimizer, schedule, budget: 0, ..Options::default() }
}

fn model(name: &str, data: &Dataset) -> Model {
    network(name, [28, 28, 1], data.classes.len()).expect("built in")
}

async fn to_the_end(trainer: &mut Trainer) -> Checkpoint {
    while trainer.position().epoch < EPOCHS {
        let epoch = trainer.epoch(|_, _| Continue(())).await.expect("trains");
        assert!(epoch.finished().is_some());
    }
    trainer.checkpoint().await.expect("reads")
}

/// Predicts the same images at every opportunity, and keeps the answers.
struct Curious {
    predictor: Predictor,
    images: Vec<u8>,
    asked: Option<Asked>,
    answers: Rc<RefCell<Vec<Vec<Vec<f32>>>>>,
}

impl Beside for Curious {
    fn between(&mut self) -> Result<()> {
        if let Some(asked) = &self.asked {
            let Some(answer) = self.predictor.answer(asked)? else { return Ok(()) };
            self.answers.borrow_mut().push(answer);
        }
        self.asked = Some(self.predictor.ask(&self.images)?);
        Ok(())
    }
}

async fn watched(context: &Context, model: &Model, data: &Dataset) -> (Checkpoint, Vec<Vec<Vec<f32>>>) {
    let mut trainer = Trainer::new(context, model, data.clone(), options()).await.expect("compiles");
    let weights = trainer.arenas().averaged();
    let predictor =
        Predictor::sharing(context, model, &Preprocessing::default(), &weights, 4, &Choices::default())
            .await
            .expect("compiles");
    let answers = Rc::new(RefCell::new(Vec::new()));
    let images = data.test.images.memory()[..3 * data.pixels()].to_vec();
    trainer.set_beside(Some(Box::new(Curious { predictor, images, asked: None, answers: answers.clone() })));
    let end = to_the_end(&mut trainer).await;
    // Requests from before the end are answered first.
    let before = answers.borrow().len();
    while answers.borrow().len() < before + 2 {
        trainer.idle().expect("answers");
    }
    drop(trainer);
    (end, answers.take())
}

#[test]
fn asking_while_it_trains_changes_no_bit_and_tells_of_the_weights_of_that_moment() {
    let (context, data) = (wgrad_testing::open(false), data());
    let model = model("cnn", &data);
    pollster::block_on(async {
        let mut alone = Trainer::new(&context, &model, data.clone(), options()).await.expect("compiles");
        let alone = to_the_end(&mut alone).await;
        let (end, answers) = watched(&context, &model, &data).await;
        assert!(end == alone, "weights, averages, optimizer state or position differ");
        let in_training = answers.len() - 2;
        assert!(in_training > 2, "it was asked and answered {in_training} times");
        let steps: Vec<_> = answers.windows(2).filter(|pair| pair[0] != pair[1]).collect();
        assert!(steps.len() > 2, "the answers do not follow the weights");
        let (weights, choices) = (end.for_use(), Choices::default());
        let whole = Predictor::new(&context, &model, &Preprocessing::default(), &weights, 4, &choices)
            .await
            .expect("compiles");
        let images = &data.test.images.memory()[..3 * data.pixels()];
        let expected = whole.probabilities(images).await.expect("answers");
        assert_eq!((expected.len(), expected[0].len()), (3, 10));
        assert_eq!(answers.last(), Some(&expected), "the averages, as they are at the end");
    });
}

/// Trains with all `rates` known from the beginning.
async fn known(context: &Context, model: &Model, data: &Dataset, rates: Vec<RateChange>) -> Checkpoint {
    let options = Options { rates, ..options() };
    let mut trainer = Trainer::new(context, model, data.clone(), options).await.expect("compiles");
    to_the_end(&mut trainer).await
}

#[test]
fn a_learning_rate_that_is_set_counts_from_the_next_step_on_and_is_recorded() {
    let (context, data) = (wgrad_testing::open(false), data());
    let model = model("mlp", &data);
    pollster::block_on(async {
        let mut trainer = Trainer::new(&context, &model, data.clone(), options()).await.expect("compiles");
        let at = STEPS + 2;
        let go = |_: &_, _: &StepResult| Continue(());
        assert!(trainer.advance(STEPS, go).await.expect("trains").finished().is_some());
        assert!(trainer.advance(2, go).await.expect("trains").finished().is_none());
        let before = trainer.learning_rate();
        trainer.set_learning_rate(0.5).expect("a rate");
        trainer.set_learning_rate(0.002).expect("a rate");
        assert!((trainer.learning_rate() / before - 2.0).abs() < 1e-12, "the schedule goes on");
        let change = RateChange { step: at, learning_rate: 0.002 };
        assert_eq!(trainer.options().rates, [change]);
        let saved = trainer.checkpoint().await.expect("reads");
        let options = trainer.options().clone();
        let set = to_the_end(&mut trainer).await;

        assert!(set == known(&context, &model, &data, vec![change]).await, "known from the beginning");
        let mut resumed = Trainer::new(&context, &model, data.clone(), options).await.expect("compiles");
        resumed.restore(&saved);
        assert!(set == to_the_end(&mut resumed).await, "stopped there and gone on");
        let later = RateChange { step: at + 1, ..change };
        for other in [vec![], vec![later], vec![RateChange { learning_rate: 0.003, ..change }]] {
            let got = known(&context, &model, &data, other.clone()).await;
            assert!(got.weights != set.weights, "{other:?} makes no difference");
        }
    });
}

#[test]
fn a_learning_rate_that_is_none_is_refused() {
    let (context, data) = (wgrad_testing::open(false), data());
    let model = model("mlp", &data);
    pollster::block_on(async {
        let mut trainer = Trainer::new(&context, &model, data.clone(), options()).await.expect("compiles");
        for rate in [-0.1, f64::NAN, f64::INFINITY] {
            let reported = trainer.set_learning_rate(rate).expect_err("no rate").to_string();
            assert!(
                reported.contains("the learning rate is")
                    && reported.contains("expected 0, or a number from"),
                "{reported}"
            );
            let rates = vec![RateChange { step: 3, learning_rate: rate }];
            assert!(Options { rates, ..options() }.validate().is_err());
        }
        assert!(trainer.options().rates.is_empty());
        let epoch = trainer.epoch(|_, _| Continue(())).await.expect("trains");
        assert!(epoch.finished().is_some());
    });
}
