//! `Trainer::fit`: epochs, callbacks, the best weights, and observers.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    sync::{Arc, Mutex},
};
use wgrad::{
    Error, Result,
    callbacks::{Callbacks, EarlyStopping, Verdict},
    checkpoint::{Checkpoint, Position},
    data::{Dataset, Split, normalization::moments},
    evaluate::{Evaluator, evaluate},
    layers::{BatchNormalization, Conv2D, Dense, Flatten, Normalization},
    loss::Loss,
    metrics::{Metrics, StepResult},
    model::Model,
    networks::{network, network_for},
    objective::Objective,
    optim::{Adam, Method, Optimizer, Sgd},
    selection::Choices,
    train::{Ended, Epoch, Events, Options, Progress, RateChange, Seen, Trainer},
};
use wgrad_data::synthetic::synthetic;

/// Steps per epoch: about 70 images in batches of 16.
const STEPS: u64 = 5;

fn data() -> Dataset {
    synthetic(3, 80, 21).with_validation(11.0 / 80.0, 1).expect("splits")
}

fn model() -> Model {
    network("mlp", [28, 28, 1], 10).expect("built in")
}

fn options(epochs: u64) -> Options {
    // One batch per chunk: at most two steps are in flight.
    Options { batch: 16, epochs, seed: 4, budget: 0, ..Options::default() }
}

fn trainer(data: &Dataset, options: Options) -> Trainer {
    let context = wgrad_testing::open(false);
    pollster::block_on(Trainer::new(&context, &model(), data.clone(), options)).expect("compiles")
}

/// Records its events, and ends the training at a given point.
#[derive(Default)]
struct Notes {
    said: Vec<String>,
    epochs: Vec<Epoch>,
    /// Ends after this step of an epoch, at the pause after it.
    pause: Option<(u64, u64)>,
    goes_on: bool,
    /// Ends during the evaluation.
    judging: bool,
    /// Ends after this epoch.
    last: Option<u64>,
    /// Fails after this epoch.
    fails: Option<u64>,
}

/// An error of the observer.
#[derive(Debug)]
enum Failed {
    Mine(u64),
    Engine(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Events for Notes {
    type Error = Failed;

    async fn on_epoch_begin(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Failed> {
        let Position { epoch, step, .. } = trainer.position();
        self.said.push(format!("begin {epoch}:{step}"));
        Ok(Continue(()))
    }

    fn on_train_batch_end(&mut self, position: &Position, result: &StepResult) -> ControlFlow<()> {
        assert!(result.rows > 0 && position.running.seen > 0);
        if self.pause == Some((position.epoch, position.step)) { Break(()) } else { Continue(()) }
    }

    async fn on_pause(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>, Failed> {
        self.pause = None;
        self.said.push(format!("pause {}", trainer.position().epoch));
        Ok(if self.goes_on { Continue(()) } else { Break(()) })
    }

    async fn on_test_begin(&mut self, _: &mut Trainer, train: &Metrics) -> Result<(), Failed> {
        self.said.push(format!("judge after {}", train.images));
        Ok(())
    }

    fn on_test_batch_end(&mut self, images: u64) -> ControlFlow<()> {
        self.said.push(format!("judged {images}"));
        if self.judging { Break(()) } else { Continue(()) }
    }

    async fn on_epoch_end(&mut self, _: &mut Trainer, epoch: &Epoch) -> Result<ControlFlow<()>, Failed> {
        self.said.push(format!("end {}", epoch.epoch));
        self.epochs.push(epoch.clone());
        if self.fails == Some(epoch.epoch) {
            return Err(Failed::Mine(epoch.epoch));
        }
        Ok(if self.last == Some(epoch.epoch) { Break(()) } else { Continue(()) })
    }
}

#[test]
fn fit_does_what_epochs_evaluations_and_callbacks_do_one_by_one() {
    let data = data();
    // It never stops, but the callbacks record the loss by which each epoch is judged.
    let early_stopping = Some(EarlyStopping { patience: 100, min_delta: 0.0 });
    let callbacks = Callbacks { early_stopping, ..Callbacks::default() };
    let options = |epochs| Options { callbacks, ..options(epochs) };
    pollster::block_on(async {
        let mut fitted = trainer(&data, options(3));
        let mut notes = Notes::default();
        let ended = fitted.fit(&mut notes).await.expect("trains");
        assert_eq!(ended, Ended::Whole(Verdict::GoOn));
        let mut single = trainer(&data, options(3));
        for epoch in &notes.epochs {
            let Progress::Finished(train) = single.epoch(|_, _| Continue(())).await.expect("trains") else {
                panic!("nothing breaks it")
            };
            let test = single.evaluate(&data.test).await.expect("evaluates");
            let validation = data.validation.as_ref().expect("held out");
            let validation = single.evaluate(validation).await.expect("evaluates");
            let found = (epoch.train, epoch.test.metrics, epoch.validation.map(|judged| judged.metrics));
            assert_eq!(found, (train, test, Some(validation)));
            assert_eq!((epoch.step, epoch.test.regression), (epoch.epoch * STEPS, None));
            single.observe(&validation);
            let (state, expected) = (&epoch.state, single.checkpoint().await.expect("reads"));
            assert!(state.weights == expected.weights && state.slots == expected.slots);
            assert_eq!((state.position.epoch, state.position.watch), (epoch.epoch, expected.position.watch));
        }
        assert_eq!(notes.epochs.len(), 3);
        let (train, held_out) = (data.train.len(), data.validation.as_ref().map_or(0, Split::len));
        assert_eq!(notes.said[..4], ["begin 0:0", &format!("judge after {train}"), "judged 16", "judged 21"]);
        // The validation images are counted after the test images.
        assert_eq!(notes.said[4..7], [&format!("judged {}", 21 + held_out), "end 1", "begin 1:0"]);
        // Nothing is left to do.
        assert_eq!(fitted.fit(&mut ()).await.expect("is done"), Ended::Whole(Verdict::GoOn));
    });
}

#[test]
fn early_stopping_ends_it_and_the_best_weights_come_back() {
    let data = data();
    // With such a large step the loss rises after some epochs.
    let optimizer = Optimizer {
        learning_rate: 0.6,
        ..Optimizer::new(Method::Sgd(Sgd { momentum: 0.9, nesterov: false }))
    };
    let early_stopping = Some(EarlyStopping { patience: 2, min_delta: 0.0 });
    let callbacks = Callbacks { early_stopping, ..Callbacks::default() };
    pollster::block_on(async {
        let mut trainer = trainer(&data, Options { optimizer, callbacks, ..options(40) });
        let mut notes = Notes::default();
        let ended = trainer.fit(&mut notes).await.expect("trains");
        assert_eq!(ended, Ended::Whole(Verdict::Stopped));
        let losses: Vec<f64> =
            notes.epochs.iter().map(|e| e.validation.expect("held out").metrics.loss).collect();
        let least = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).expect("some");
        assert!(losses.len() < 40 && losses.len() == least + 3, "{losses:?}");
        let best = notes.epochs.iter().rposition(|epoch| epoch.is_best).expect("the first is");
        assert_eq!(best, least);
        assert!(trainer.best().is_some_and(|state| *state == notes.epochs[best].state));
        let position = trainer.position();
        assert!(trainer.restore_best_weights());
        let judged = trainer.evaluate(data.validation.as_ref().expect("held out")).await.expect("evaluates");
        assert_eq!(judged.loss, losses[least]);
        assert_eq!(trainer.position(), position, "it stands where it stood");
    });
}

#[test]
fn a_training_that_a_listener_broke_off_goes_on_to_the_same_bits() {
    let data = data();
    pollster::block_on(async {
        let mut whole = trainer(&data, options(3));
        whole.fit(&mut ()).await.expect("trains");
        let whole = whole.checkpoint().await.expect("reads");

        // Within an epoch; at its end, after all steps; and continued at once.
        for (pause, goes_on) in [((1, 2), false), ((1, STEPS), false), ((1, 2), true)] {
            let mut trainer = trainer(&data, options(3));
            let mut notes = Notes { pause: Some(pause), goes_on, ..Notes::default() };
            let ended = trainer.fit(&mut notes).await.expect("trains");
            let expected =
                if goes_on || pause.1 == STEPS { Ended::Whole(Verdict::GoOn) } else { Ended::Broken };
            assert_eq!(ended, expected, "{pause:?} {goes_on}");
            assert_eq!(trainer.fit(&mut notes).await.expect("trains"), Ended::Whole(Verdict::GoOn));
            assert!(trainer.checkpoint().await.expect("reads") == whole, "{pause:?} {goes_on}");
        }
        // After an epoch, and by an error of the observer.
        let mut broken = trainer(&data, options(3));
        let mut notes = Notes { last: Some(1), fails: Some(2), ..Notes::default() };
        assert_eq!(broken.fit(&mut notes).await.expect("trains"), Ended::Broken);
        assert!(matches!(broken.fit(&mut notes).await, Err(Failed::Mine(2))));
        assert_eq!(broken.fit(&mut ()).await.expect("trains"), Ended::Whole(Verdict::GoOn));
        assert!(broken.checkpoint().await.expect("reads") == whole);
        // During the evaluation: from the state that was not evaluated.
        let mut judging = trainer(&data, options(3));
        let mut notes = Notes { judging: true, ..Notes::default() };
        assert_eq!(judging.fit(&mut notes).await.expect("trains"), Ended::Unjudged);
        let state = judging.unjudged().await.expect("reads");
        assert_eq!((state.position.epoch, state.position.step), (0, STEPS));
        judging.restore(&state);
        assert_eq!(judging.fit(&mut ()).await.expect("trains"), Ended::Whole(Verdict::GoOn));
        assert!(judging.checkpoint().await.expect("reads") == whole);
    });
}

#[test]
fn a_regression_is_judged_by_its_loss_and_a_loss_that_is_no_number_ends_it() {
    let data = data().with_numbers();
    let model = network_for("mlp", [28, 28, 1], 10, Loss::MeanSquaredError).expect("built in");
    let context = wgrad_testing::open(false);
    pollster::block_on(async {
        let mut trainer = Trainer::new(&context, &model, data.clone(), options(2)).await.expect("compiles");
        let mut notes = Notes::default();
        trainer.fit(&mut notes).await.expect("trains");
        for epoch in &notes.epochs {
            let far = epoch.test.regression.expect("numbers");
            let square = far.root_mean_squared_error.powi(2);
            assert!((square / epoch.test.metrics.loss - 1.0).abs() < 1e-5, "{epoch:?}");
        }
        let optimizer = Optimizer { learning_rate: 1e30, ..Optimizer::default() };
        let options = Options { optimizer, ..options(2) };
        let mut trainer = Trainer::new(&context, &model, data.clone(), options).await.expect("compiles");
        let ended = trainer.fit(&mut Notes::default()).await;
        assert!(matches!(ended, Err(Failed::Engine(Error::Diverged { .. }))), "{ended:?}");
    });
}

/// Trains an epoch in the order of the data, and returns its metrics and the state after it.
fn epoch(trainer: &mut Trainer) -> (Metrics, Checkpoint) {
    pollster::block_on(async {
        let found =
            trainer.epoch(|_, _| Continue(())).await.expect("trains").finished().expect("nothing ends it");
        (found, trainer.checkpoint().await.expect("reads"))
    })
}

#[test]
fn weights_of_images_multiply_their_losses() {
    let data = data();
    let objective = Objective { example_weights: true, ..Objective::default() };
    let weighted = |weights: Vec<f32>| {
        let mut trainer = trainer(&data, Options { objective: objective.clone(), ..options(1) });
        trainer.weigh(Some(weights.into())).expect("they are numbers from 0");
        let initial = pollster::block_on(trainer.checkpoint()).expect("reads").weights;
        (epoch(&mut trainer), initial)
    };
    let all = data.train.len();
    let mut plain = trainer(&data, options(1));
    assert_eq!(weighted(vec![1.0; all]).0, epoch(&mut plain), "a weight of 1 changes nothing");
    let ((metrics, state), initial) = weighted(vec![0.0; all]);
    assert_eq!(
        (metrics.loss, state.weights == initial),
        (0.0, true),
        "a weight of 0 leaves nothing to learn"
    );
    // At a rate of 0 the outputs of every step are those of one network: each weight meets the loss of its own image.
    let weights: Vec<f32> = (0..all).map(|image| (image % 7) as f32 / 2.0).collect();
    let rates = vec![RateChange { step: 0, learning_rate: 0.0 }];
    let mut still = trainer(&data, Options { objective: objective.clone(), rates, ..options(1) });
    still.weigh(Some(weights.clone().into())).expect("they are numbers from 0");
    let sum = Arc::new(Mutex::new(0.0));
    let (sees, labels) = (sum.clone(), data.train.labels.clone());
    still.see(Some(Box::new(move |batch: &Seen<'_>| {
        for (image, outputs) in batch.images.iter().zip(batch.outputs.chunks_exact(10)) {
            let image = *image as usize;
            let of_class = f64::from(outputs[labels[image] as usize]);
            *sees.lock().expect("one thread") -= f64::from(weights[image]) * of_class.ln();
        }
    })));
    let (metrics, _) = epoch(&mut still);
    let expected = *sum.lock().expect("one thread") / all as f64;
    assert!((metrics.loss - expected).abs() < 1e-5 * expected, "{} instead of {expected}", metrics.loss);
    for wrong in [-1.0, f32::NAN, f32::INFINITY] {
        let mut trainer = trainer(&data, Options { objective: objective.clone(), ..options(1) });
        let error = trainer.weigh(Some(vec![wrong].into())).expect_err("it is no weight").to_string();
        assert!(error.starts_with("`.example_weights` is "), "{error}");
    }
    assert!(plain.weigh(Some(vec![1.0].into())).is_err(), "its kernels take none");
}

#[test]
fn outputs_are_seen_batch_by_batch() {
    let data = data();
    let mut trainer = trainer(&data, options(1));
    let seen = Arc::new(Mutex::new((Vec::new(), 0u64, Metrics::default())));
    let sees = seen.clone();
    let labels = data.train.labels.clone();
    trainer.see(Some(Box::new(move |batch: &Seen<'_>| {
        let mut seen = sees.lock().expect("one thread");
        assert_eq!(batch.outputs.len(), 10 * batch.images.len());
        for (image, row) in batch.images.iter().zip(batch.outputs.chunks_exact(10)) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
            let top = (0..10).fold(0, |top, n| if row[n] > row[top] { n } else { top });
            seen.1 += u64::from(labels[*image as usize] == top as u32);
            seen.0.push(*image);
        }
        seen.2 = batch.so_far;
    })));
    let (metrics, _) = epoch(&mut trainer);
    let (mut images, hits, so_far) = std::mem::take(&mut *seen.lock().expect("one thread"));
    images.sort_unstable();
    assert!(images.iter().copied().eq(0..data.train.len() as u32), "each image once");
    assert_eq!(so_far, metrics);
    assert!(
        (metrics.accuracy - hits as f64 / metrics.images as f64).abs() < 1e-9,
        "{metrics:?}, {hits} hits"
    );
    trainer.see(None);
    pollster::block_on(trainer.evaluate(&data.test)).expect("evaluates");
    assert_eq!(seen.lock().expect("one thread").1, 0, "nobody looks any more");
}

#[test]
fn steps_have_rates_of_their_own() {
    let data = data();
    let change = |step, learning_rate| RateChange { step, learning_rate };
    let rates = vec![change(0, 0.0), change(1, 0.2), change(2, 0.01)];
    let expected = epoch(&mut trainer(&data, Options { rates: rates.clone(), ..options(1) }));
    let mut set = trainer(&data, options(1));
    set.set_learning_rates(&[0.0, 0.2, 0.01]).expect("they are rates");
    assert_eq!(set.options().rates, rates);
    assert_eq!(epoch(&mut set), expected);
    assert_ne!(epoch(&mut trainer(&data, options(1))), expected);
    assert!(set.set_learning_rates(&[0.1, -0.1]).is_err());
}

#[test]
fn an_optimizer_goes_on_in_another_training() {
    let data = data();
    let optimizer = Optimizer::new(Method::Adam(Adam::default()));
    let options = |steps_before| Options { optimizer, steps_before, shuffle: false, ..options(2) };
    let start = |steps_before| {
        let linear = network("linear", [28, 28, 1], 10).expect("built in");
        let context = wgrad_testing::open(false);
        pollster::block_on(Trainer::new(&context, &linear, data.clone(), options(steps_before)))
            .expect("compiles")
    };
    let mut whole = start(0);
    let (_, first) = epoch(&mut whole);
    let (_, second) = epoch(&mut whole);
    let go_on = |steps_before| {
        let mut other = start(steps_before);
        other.restore(&Checkpoint { position: Position::default(), ..first.clone() });
        epoch(&mut other).1.weights
    };
    assert_eq!(go_on(STEPS), second.weights);
    assert_ne!(go_on(0), second.weights, "bias corrections begin again");
}

#[test]
fn batches_that_arrive_train_like_those_of_the_data() {
    let data = data();
    let objective = Objective { example_weights: true, ..Objective::default() };
    let options = Options { shuffle: false, objective, ..options(1) };
    let weights: Vec<f32> = (0..data.train.len()).map(|image| (image % 3) as f32).collect();
    let mut whole = trainer(&data, options.clone());
    whole.weigh(Some(weights.clone().into())).expect("they are numbers from 0");
    let (metrics, expected) = epoch(&mut whole);
    let mut fed = trainer(&data, options);
    let pixels = data.pixels();
    let batch = |first: usize| {
        let rows: Vec<usize> = (first..data.train.len().min(first + 16)).collect();
        let weights: Vec<f32> = rows.iter().map(|row| weights[*row]).collect();
        (data.train.gather(&rows, pixels), weights)
    };
    for first in (0..data.train.len()).step_by(16) {
        let (split, weights) = batch(first);
        fed.weigh(Some(weights.into())).expect("they are numbers from 0");
        let result = pollster::block_on(fed.train_on(&split)).expect("trains");
        assert_eq!(result.rows as usize, split.len());
    }
    let state = pollster::block_on(fed.checkpoint()).expect("reads");
    assert_eq!((state.weights, fed.position().metrics()), (expected.weights, metrics));
    assert_eq!(fed.position().step, STEPS);
    fed.restart_metrics();
    assert_eq!((fed.position().metrics().images, fed.position().step), (0, STEPS));
    let long = data.train.gather(&(0..17).collect::<Vec<_>>(), pixels);
    let error = pollster::block_on(fed.train_on(&long)).expect_err("a step has 16").to_string();
    assert!(error.contains("got a batch of 17 images, expected from 1 to 16"), "{error}");
    let wrong = Split { labels: vec![77; 4].into(), ..batch(0).0.gather(&[0, 1, 2, 3], pixels) };
    let error = pollster::block_on(fed.train_on(&wrong)).expect_err("there are 10 classes").to_string();
    assert!(error.contains("got 77 as label 0"), "{error}");
}

#[test]
fn an_evaluator_takes_splits_of_any_length() {
    let data = data();
    let context = wgrad_testing::open(false);
    let weights = model().initial_weights(3).expect("has some");
    let state = Checkpoint { weights, ..Checkpoint::default() };
    let choices = Choices::default();
    let evaluator = |weighted| {
        let model = model();
        let made = Evaluator::new(&context, &model, &state, &data, (16, 5), weighted, &choices);
        pollster::block_on(made).expect("compiles")
    };
    let whole =
        pollster::block_on(evaluate(&context, &model(), &state, &data, &data.train, 16, &choices, |_| ()));
    let whole = whole.expect("evaluates");
    let mut plain = evaluator(false);
    let mut outputs = 0;
    let see = |seen: &Seen<'_>| {
        outputs += seen.outputs.len();
        Continue(())
    };
    let found = pollster::block_on(plain.evaluate(&data, &data.train, None, see)).expect("evaluates");
    assert_eq!((found.map(|found| found.metrics), outputs), (Some(whole.metrics), 10 * data.train.len()));
    let twos = vec![2.0; data.train.len()];
    let twice = |evaluator: &mut Evaluator, flow| {
        pollster::block_on(evaluator.evaluate(&data, &data.train, Some(&twos), |_| flow))
    };
    assert!(twice(&mut plain, Continue(())).is_err(), "it was compiled without weights");
    assert_eq!(twice(&mut evaluator(true), Break(())).expect("evaluates"), None);
    let twice = twice(&mut evaluator(true), Continue(())).expect("evaluates").expect("all of it").metrics;
    assert!((twice.loss - 2.0 * whole.metrics.loss).abs() < 1e-6, "{twice:?}, {:?}", whole.metrics);
}

#[test]
fn a_frozen_layer_keeps_its_tensors() {
    let data = data();
    let context = wgrad_testing::open(false);
    let model = Model::new("frozen", [28, 28, 1])
        .add(Conv2D::new(4, 5).strides(4))
        .add(BatchNormalization::new())
        .frozen()
        .add(Flatten::new())
        .add(Dense::new(8))
        .frozen()
        .add(Dense::new(10));
    let before = model.initial_weights(4).expect("has some");
    let mut trainer = pollster::block_on(Trainer::new(&context, &model, data, options(1))).expect("compiles");
    pollster::block_on(trainer.advance(u64::MAX, |_, _| Continue(()))).expect("trains");
    let after = pollster::block_on(trainer.checkpoint()).expect("reads").weights;
    for p in model.parameters().expect("fits") {
        let range = p.offset..p.offset + p.len();
        let frozen = p.name.starts_with("batch_normalization_1.") || p.name.starts_with("dense_1.");
        assert_eq!(before[range.clone()] == after[range], frozen, "{}", p.name);
    }
}

#[test]
fn a_normalization_of_the_input_takes_mean_and_variance_of_the_training_part() {
    let data = data();
    let context = wgrad_testing::open(false);
    let model = Model::new("normalized", [28, 28, 1])
        .add(Normalization::new())
        .add(Flatten::new())
        .add(Dense::new(10));
    let weights = |data: Dataset| {
        let trainer = pollster::block_on(Trainer::new(&context, &model, data, options(1))).expect("compiles");
        pollster::block_on(trainer.checkpoint()).expect("reads").weights
    };
    let of = |name: &str, weights: &[f32]| {
        let parameters = model.parameters().expect("fits");
        let p = parameters.iter().find(|p| p.name == name).expect("is a tensor");
        f64::from(weights[p.offset])
    };
    let (mean, deviation) = moments(&data, &data.train);
    let found = weights(data.clone());
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    near(of("normalization_1.mean", &found), mean[0]);
    near(of("normalization_1.variance", &found), deviation[0] * deviation[0]);
    // Of images that are normalized already, mean 0 and variance 1 remain.
    let mut normalized = data;
    normalized.input.normalization = Some(wgrad::data::normalization::of(&normalized).expect("has moments"));
    let found = weights(normalized);
    near(of("normalization_1.mean", &found), 0.0);
    near(of("normalization_1.variance", &found), 1.0);
}
