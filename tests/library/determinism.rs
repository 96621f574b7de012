//! Same seed, same adapter, same bits: for any division of the data into chunks and of the work into
//! submissions, and for a training that was interrupted. And the counts of training and evaluation
//! match the CPU twins if the last batch is not full.

use std::{ops::ControlFlow, time::Duration};
use wgrad::{
    callbacks::{Callbacks, EarlyStopping, Watch},
    checkpoint::Checkpoint,
    data::{
        Dataset,
        stream::{BUDGET, Cut, Order, Stream},
    },
    feed::Step,
    gpu::Context,
    layers::Layer,
    loss::Loss,
    metrics::{Metrics, StepResult},
    model::Model,
    networks::{network, network_for},
    objective::Objective,
    optim::{Adam, Method, Muon, Optimizer, RmsProp, Sgd},
    preprocessing::Preprocessing,
    program::{Mode, interpreter::Interpreter},
    schedule::{Decay, Schedule},
    train::{Judged, Options, Progress, Trainer},
};
use wgrad_data::synthetic::synthetic;

/// Number of training and test images: no multiples of the batch.
const IMAGES: (usize, usize) = (69, 21);
const BATCH: usize = 16;
const EPOCHS: u64 = 2;

fn data() -> Dataset {
    synthetic(3, IMAGES.0, IMAGES.1)
}

fn models(data: &Dataset) -> [Model; 2] {
    ["mlp", "cnn"].map(|name| network(name, [28, 28, 1], data.classes.len()).expect("built in"))
}

fn options() -> Options {
    let method = Method::Sgd(Sgd { momentum: 0.9, nesterov: true });
    let optimizer = Optimizer { weight_decay: 1e-3, ..Optimizer::new(method) };
    let schedule = Schedule { decay: Decay::Cosine { last: 0.1 }, warmup_steps: 5 };
    Options { batch: BATCH, epochs: EPOCHS, optimizer, schedule, ..Options::default() }
}

/// All features at once: two arenas of the optimizer, the norm, the averages, a schedule that moves the momentum too.
fn everything() -> Options {
    let optimizer = Optimizer {
        weight_decay: 0.01,
        global_clipnorm: Some(0.5),
        ema_momentum: Some(0.9),
        ..Optimizer::new(Method::Adam(Adam::default()))
    };
    let decay = Decay::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4, momentum: Some([0.85, 0.95]) };
    Options { optimizer, schedule: Schedule { decay, warmup_steps: 2 }, ..options() }
}

/// Muon, whose directions replace the gradients on the device.
fn muon() -> Options {
    Options { optimizer: Optimizer::new(Method::Muon(Muon::default())), ..options() }
}

/// A rate that falls after each epoch that does not improve by more than a whole nat: after every one but the first.
fn plateau() -> Options {
    let decay = Decay::Plateau { factor: 0.5, patience: 1, min_delta: 1.0, cooldown: 0, min: 0.1 };
    let optimizer =
        Optimizer::new(Method::RmsProp(RmsProp { rho: 0.9, momentum: 0.5, epsilon: 1e-7, centered: true }));
    let early_stopping = Some(EarlyStopping { patience: 9, min_delta: 0.0 });
    Options {
        epochs: 4,
        optimizer,
        schedule: Schedule { decay, warmup_steps: 0 },
        callbacks: Callbacks { early_stopping, ..Callbacks::default() },
        ..options()
    }
}

/// All results of a training, as bits.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    losses: Vec<u64>,
    epochs: Vec<[u64; 3]>,
    tests: Vec<[u64; 3]>,
    weights: Vec<u32>,
    watch: Watch,
    kept: Vec<Vec<u32>>,
}

fn bits(metrics: Metrics) -> [u64; 3] {
    [metrics.loss.to_bits(), metrics.accuracy.to_bits(), metrics.images]
}

impl Trace {
    fn end(&mut self, checkpoint: &Checkpoint) {
        assert!(checkpoint.is_finite());
        self.watch = checkpoint.position.watch;
        self.weights = checkpoint.weights.iter().map(|w| w.to_bits()).collect();
        let kept = checkpoint.slots.values().chain([&checkpoint.averages]);
        self.kept = kept.map(|arena| arena.iter().map(|v| v.to_bits()).collect()).collect();
    }
}

/// Trains to the end, evaluating after each epoch. `each` runs after every step.
async fn train(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: Options,
    mut each: impl FnMut(),
) -> Trace {
    let (mut trace, epochs) = (Trace::default(), options.epochs);
    let mut trainer = Trainer::new(context, model, data.clone(), options).await.expect("compiles");
    while trainer.position().epoch < epochs {
        let step = |_: &_, result: &StepResult| {
            trace.losses.push(result.loss_sum.to_bits());
            each();
            ControlFlow::Continue(())
        };
        let metrics = trainer.epoch(step).await.expect("trains").finished().expect("ends");
        trace.epochs.push(bits(metrics));
        let test = trainer.evaluate(&data.test).await.expect("evaluates");
        trainer.observe(&test);
        trace.tests.push(bits(test));
    }
    trace.end(&trainer.checkpoint().await.expect("reads"));
    assert_eq!(trace.losses.len() as u64, epochs * trainer.steps_per_epoch());
    trace
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let (context, data) = (wgrad_testing::open(false), data());
    for model in models(&data) {
        let run = |seed| {
            let options = Options { seed, ..options() };
            pollster::block_on(train(&context, &model, &data, options, || ()))
        };
        let first = run(1);
        assert_eq!(first, run(1), "{}", model.name);
        let other = run(2);
        assert_ne!(first.weights, other.weights, "{}", model.name);
        assert_ne!(first.losses, other.losses, "{}", model.name);
    }
}

#[test]
fn chunks_of_any_size_give_the_same_bits() {
    let (context, data) = (wgrad_testing::open(false), data());
    for model in models(&data) {
        let run = |budget| {
            let options = Options { budget, ..options() };
            pollster::block_on(train(&context, &model, &data, options, || ()))
        };
        let whole = run(BUDGET);
        // One batch per chunk, then two and a fraction.
        for budget in [0, 5 * BATCH * data.pixels() / 2] {
            assert_eq!(run(budget), whole, "{} with {budget} bytes a chunk", model.name);
        }
    }
}

#[test]
fn the_pace_of_submissions_changes_nothing() {
    let (context, data) = (wgrad_testing::open(false), data());
    let [model, _] = models(&data);
    let quick = pollster::block_on(train(&context, &model, &data, options(), || ()));
    // A slow listener makes every submission look slow, so that each holds one step.
    let slow = || std::thread::sleep(Duration::from_millis(60));
    assert_eq!(quick, pollster::block_on(train(&context, &model, &data, options(), slow)));
}

/// All options that draw random numbers or transform labels.
fn augmented() -> Options {
    let augment = "flip,shift=2,rotate=10,zoom=0.1,brightness=0.1,contrast=0.1,erase=0.5,mixup=0.4";
    let augment = augment.parse().expect("a specification");
    let class_weight = (0..10).map(|class| 0.5 + f64::from(class) / 10.0).collect();
    Options {
        objective: Objective { augment, label_smoothing: 0.1, class_weight, ..Objective::default() },
        ..options()
    }
}

#[test]
fn an_augmented_training_is_as_deterministic() {
    let (context, data) = (wgrad_testing::open(false), data());
    let [model, _] = models(&data);
    let run = |options| pollster::block_on(train(&context, &model, &data, options, || ()));
    let whole = run(augmented());
    assert_eq!(run(Options { budget: 0, ..augmented() }), whole, "a batch a chunk");
    let stopped = pollster::block_on(train_and_stop(&context, &model, &data, &augmented(), 7));
    assert_eq!(stopped, whole, "stopped and gone on");
    let plain = run(options());
    assert_ne!(plain.weights, whole.weights, "it changes nothing");
    let Objective { augment, label_smoothing, class_weight, .. } = augmented().objective;
    // Each option alone makes a difference.
    for part in [
        Objective { augment, ..Objective::default() },
        Objective { label_smoothing, ..Objective::default() },
        Objective { class_weight, ..Objective::default() },
    ] {
        let got = run(Options { objective: part.clone(), ..options() });
        assert!(got.weights != plain.weights && got.weights != whole.weights, "{part:?} changes nothing");
    }
}

#[test]
fn a_training_that_stopped_goes_on_to_the_same_bits() {
    let (context, data) = (wgrad_testing::open(false), data());
    for model in models(&data) {
        let whole = pollster::block_on(train(&context, &model, &data, options(), || ()));
        for stop_after in [1, 7] {
            let stopped = pollster::block_on(train_and_stop(&context, &model, &data, &options(), stop_after));
            assert_eq!(stopped, whole, "{} stopped after step {stop_after}", model.name);
        }
    }
}

#[test]
fn all_state_of_optimizer_and_schedule_resumes_to_the_same_bits() {
    let (context, data) = (wgrad_testing::open(false), data());
    let [model, _] = models(&data);
    // The plateau's rate falls after the second epoch; the training stops after that.
    for (options, arenas, stops) in [(everything(), 3, [1, 7]), (muon(), 2, [2, 5]), (plateau(), 3, [7, 12])]
    {
        let whole = pollster::block_on(train(&context, &model, &data, options.clone(), || ()));
        assert_eq!(whole.kept.iter().filter(|arena| arena.iter().any(|word| *word != 0)).count(), arenas);
        for stop_after in stops {
            let stopped = pollster::block_on(train_and_stop(&context, &model, &data, &options, stop_after));
            assert_eq!(stopped, whole, "{:?} stopped after step {stop_after}", options.schedule);
        }
    }
    let whole = pollster::block_on(train(&context, &model, &data, plateau(), || ()));
    assert_eq!((whole.watch.drops, whole.watch.stopping.best.is_some()), (3, true));
}

/// Stops in the middle of an epoch, saves to bytes, and continues in a new trainer with another chunk size.
async fn train_and_stop(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: &Options,
    stop_after: usize,
) -> Trace {
    let epochs = options.epochs;
    let mut trace = Trace::default();
    let mut bytes: Option<Vec<u8>> = None;
    loop {
        // One batch per chunk at first, so that few steps are in flight at the stop.
        let budget = if bytes.is_some() { BUDGET } else { 0 };
        let mut trainer = Trainer::new(context, model, data.clone(), Options { budget, ..options.clone() })
            .await
            .expect("compiles");
        if let Some(bytes) = &bytes {
            let saved = Checkpoint::from_bytes("test", bytes, trainer.parameters()).expect("reads");
            assert_ne!((saved.position.epoch, saved.position.step), (0, 0), "it stopped somewhere");
            trainer.restore(&saved);
        }
        while trainer.position().epoch < epochs {
            let step = |_: &_, result: &StepResult| {
                trace.losses.push(result.loss_sum.to_bits());
                // Steps in flight finish after the stop, and are counted.
                match bytes.is_none() && trace.losses.len() >= stop_after {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            match trainer.epoch(step).await.expect("trains") {
                Progress::Paused => break,
                Progress::Finished(metrics) => {
                    trace.epochs.push(bits(metrics));
                    let test = trainer.evaluate(&data.test).await.expect("evaluates");
                    trainer.observe(&test);
                    trace.tests.push(bits(test));
                }
            }
        }
        let checkpoint = trainer.checkpoint().await.expect("reads");
        if trainer.position().epoch == epochs {
            assert!(bytes.is_some(), "it never stopped");
            trace.end(&checkpoint);
            return trace;
        }
        assert!(trainer.position().step > 0, "the break fell on the end of an epoch: stop elsewhere");
        bytes = Some(checkpoint.to_bytes(trainer.parameters()).expect("writes"));
    }
}

/// Two epochs on the twins, through the same stream: metrics of each, and of the test set.
fn twins(model: &Model, data: &Dataset) -> Vec<[Metrics; 2]> {
    let options = options();
    let cut = Cut { batch: BATCH, pixels: data.pixels(), budget: BUDGET };
    let machine = |mode, weights: &[f32]| {
        let slots = cut.steps(IMAGES.0);
        Interpreter::new(
            model.program(&Preprocessing::default(), mode, BATCH, slots, &options.optimizer).expect("fits"),
            weights,
        )
    };
    let weights = model.initial_weights(options.seed).expect("fits");
    let mut training = machine(Mode::Train, &weights);
    let mut evaluation = machine(Mode::Evaluate, &weights);
    let per_epoch = cut.steps(IMAGES.0) as u64;
    let mut all = Vec::new();
    for epoch in 0..2 {
        let order = Order::Shuffled { seed: options.seed, epoch };
        let trained = stream(&mut training, data, order, cut, |number| {
            let number = epoch * per_epoch + number;
            let factor = options.schedule.factor(number, per_epoch, options.epochs);
            options.optimizer.fill(Step::default(), number, factor, None).keyed(options.seed, number)
        });
        evaluation.parameters.clone_from(&training.parameters);
        let tested = stream(&mut evaluation, data, Order::File, cut, |_| Step::default());
        all.push([trained, tested]);
    }
    all
}

fn stream(
    machine: &mut Interpreter,
    data: &Dataset,
    order: Order,
    cut: Cut,
    step: impl Fn(u64) -> Step,
) -> Metrics {
    let split = if order == Order::File { &data.test } else { &data.train };
    let (mut metrics, mut number) = (Metrics::default(), 0);
    for chunk in Stream::start(split, order, cut, 0) {
        for rows in &chunk.steps {
            machine.step(&chunk.batch, Step { first: rows.first, rows: rows.rows, ..step(number) });
            metrics.loss += machine.results[0];
            metrics.accuracy += machine.results[1];
            metrics.images += u64::from(rows.rows);
            number += 1;
        }
    }
    metrics.loss /= metrics.images as f64;
    metrics.accuracy /= metrics.images as f64;
    metrics
}

#[test]
fn partial_batches_count_as_the_twins_count_them() {
    let (context, data) = (wgrad_testing::open(false), data());
    let model = network("mlp", [28, 28, 1], data.classes.len()).expect("built in");
    let expected = twins(&model, &data);
    pollster::block_on(async {
        let mut trainer = Trainer::new(&context, &model, data.clone(), options()).await.expect("compiles");
        for [trained, tested] in &expected {
            let each = |_: &_, _: &_| ControlFlow::Continue(());
            let got = trainer.epoch(each).await.expect("trains").finished().expect("ends");
            agree("training", got, *trained, IMAGES.0);
            agree("test", trainer.evaluate(&data.test).await.expect("evaluates"), *tested, IMAGES.1);
        }
    });
}

fn agree(what: &str, got: Metrics, expected: Metrics, images: usize) {
    println!("{what}: {got:?}, the twins: {expected:?}");
    assert_eq!((got.images, expected.images), (images as u64, images as u64), "{what}");
    assert!((got.loss - expected.loss).abs() <= 1e-5 * expected.loss, "{what}: {got:?}, {expected:?}");
    assert!((got.accuracy - expected.accuracy).abs() < 0.5 / images as f64, "{what}: {got:?}, {expected:?}");
}

/// Largest difference of two lists of numbers, as a share of the largest number.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert!(a.len() == b.len() && !a.is_empty());
    let largest = a.iter().fold(0f32, |largest, v| largest.max(v.abs()));
    let most = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    assert!(most.clone().all(f32::is_finite) && largest > 0.0);
    most.fold(0f32, f32::max) / largest
}

#[test]
fn the_gradients_of_a_batch_in_parts_are_those_of_the_whole() {
    let (context, data) = (wgrad_testing::open(false), data());
    let class_weight: Vec<_> = (0..10).map(|class| 0.5 + f64::from(class) / 10.0).collect();
    let objective = Objective { label_smoothing: 0.1, class_weight, ..Objective::default() };
    let mut optimizer = options().optimizer;
    optimizer.global_clipnorm = Some(0.5);
    for mut model in models(&data) {
        // Each part draws its own dropout.
        model.layers.retain(|layer| !matches!(layer, Layer::Dropout(_)));
        // The last step of an epoch has 5 images; 16 do not divide by 6. Convolutions are slow to compile.
        let sizes: &[usize] = if model.name == "mlp" { &[1, 6, 15] } else { &[6] };
        let steps = data.train.len().div_ceil(BATCH) as u64;
        let run = |at_once, steps| {
            let (objective, optimizer) = (objective.clone(), optimizer);
            let options = Options { at_once, objective, optimizer, ..options() };
            let mut results = Vec::new();
            let found = pollster::block_on(async {
                let mut trainer = Trainer::new(&context, &model, data.clone(), options).await?;
                let each = |_: &_, result: &StepResult| {
                    results.push(*result);
                    ControlFlow::Continue(())
                };
                let _either_way = trainer.advance(steps, each).await?;
                let evaluated = trainer.evaluate(&data.test).await?;
                let (gradients, state) = (trainer.gradients().await?, trainer.checkpoint().await?);
                Ok::<_, wgrad::Error>((gradients, state.weights, evaluated))
            });
            (results, found.expect("trains"))
        };
        for steps in [1, steps] {
            let (whole, (gradients, weights, evaluated)) = run(None, steps);
            for at_once in sizes {
                let (parts, (summed, moved, judged)) = run(Some(*at_once), steps);
                let name = format!("{}, {at_once} at once, {steps} steps", model.name);
                let far = apart(&gradients, &summed);
                assert!(far < 1e-4, "{name}: the gradients are {far} apart");
                assert!(apart(&weights, &moved) < 1e-5, "{name}");
                assert_eq!(parts.len(), whole.len(), "{name}: a result for each step");
                for (a, b) in whole.iter().zip(&parts) {
                    assert_eq!(a.rows, b.rows, "{name}");
                    assert!((a.loss() - b.loss()).abs() < 1e-4, "{name}: {a:?} {b:?}");
                }
                assert_eq!(judged.images, evaluated.images, "{name}");
                assert!((judged.loss - evaluated.loss).abs() < 1e-4, "{name}");
            }
        }
    }
}

#[test]
fn a_batch_that_does_not_fit_is_computed_in_parts_and_goes_on_to_the_same_bits() {
    // The output of the first layer has 26 · 26 · 32 numbers per image.
    let (context, data) = (wgrad_testing::open_within(7 * 4 * 26 * 26 * 32), data());
    let [_, model] = models(&data);
    let mut options = everything();
    let Err(error) = pollster::block_on(Trainer::new(&context, &model, data.clone(), options.clone())) else {
        panic!("16 images fit")
    };
    let words = error.to_string();
    assert!(words.contains("conv2d_1") && words.contains("`.batch = 7`"), "{words}");
    assert!(!words.contains("`d "), "{words}");

    let fits = options.fitting(&context, &model, &data).expect("fits");
    assert_eq!(fits, 7);
    options.cut_for(fits);
    assert_eq!((options.parts(), options.images_at_once()), (3, 6));
    let run = |options: Options| pollster::block_on(train(&context, &model, &data, options, || ()));
    let whole = run(options.clone());
    assert_eq!(run(Options { budget: 0, ..options.clone() }), whole, "a batch a chunk");
    let slow = || std::thread::sleep(Duration::from_millis(60));
    assert_eq!(pollster::block_on(train(&context, &model, &data, options.clone(), slow)), whole, "slowly");
    for stop in [1, 4, 7] {
        let stopped = pollster::block_on(train_and_stop(&context, &model, &data, &options, stop));
        assert_eq!(stopped, whole, "stopped after {stop} steps");
    }
    let recorded = serde_json::to_string(&options).expect("written");
    assert_eq!(serde_json::from_str::<Options>(&recorded).expect("read"), options);
}

#[test]
fn an_evaluation_that_was_ended_is_made_up_for() {
    let (context, data) = (wgrad_testing::open(false), data());
    let [model, _] = models(&data);
    let whole = pollster::block_on(train(&context, &model, &data, everything(), || ()));
    let trace = pollster::block_on(async {
        let mut trace = Trace::default();
        let mut trainer = Trainer::new(&context, &model, data.clone(), everything()).await.expect("compiles");
        let go_on = |losses: &mut Vec<u64>, result: &StepResult| {
            losses.push(result.loss_sum.to_bits());
            ControlFlow::Continue(())
        };
        let first = trainer.epoch(|_, result| go_on(&mut trace.losses, result)).await.expect("trains");
        let mut seen = 0;
        let ended = trainer.evaluate_while(&data.test, |images| {
            seen = images;
            ControlFlow::Break(())
        });
        assert!(ended.await.expect("evaluates").is_none() && seen > 0);
        let saved = trainer.unjudged().await.expect("reads");
        assert_eq!((saved.position.epoch, saved.position.step), (0, trainer.steps_per_epoch()));
        let bytes = saved.to_bytes(trainer.parameters()).expect("written");

        let mut trainer = Trainer::new(&context, &model, data.clone(), everything()).await.expect("compiles");
        trainer.restore(&Checkpoint::from_bytes("test", &bytes, trainer.parameters()).expect("reads"));
        let again = trainer.epoch(|_, _| panic!("no step is left")).await.expect("ends");
        assert_eq!(again.finished().map(bits), first.finished().map(bits));
        trace.epochs.push(bits(again.finished().expect("ends")));
        for epoch in 1..=EPOCHS {
            let test = trainer.evaluate(&data.test).await.expect("evaluates");
            trainer.observe(&test);
            trace.tests.push(bits(test));
            if epoch < EPOCHS {
                let metrics =
                    trainer.epoch(|_, result| go_on(&mut trace.losses, result)).await.expect("trains");
                trace.epochs.push(bits(metrics.finished().expect("ends")));
            }
        }
        trace.end(&trainer.checkpoint().await.expect("reads"));
        trace
    });
    assert_eq!(trace, whole);
}

#[test]
fn numbers_are_judged_in_one_pass_to_the_bits_of_the_loss_alone() {
    let (context, data) = (wgrad_testing::open(false), data().with_numbers());
    let model = network_for("mlp", [28, 28, 1], 10, Loss::MeanSquaredError).expect("built in");
    pollster::block_on(async {
        let mut trainer = Trainer::new(&context, &model, data.clone(), options()).await.expect("compiles");
        let alone = trainer.evaluate(&data.test).await.expect("evaluates");
        let mut seen = Vec::new();
        let go_on = |images| {
            seen.push(images);
            ControlFlow::Continue(())
        };
        let found = trainer.evaluate_while(&data.test, go_on).await.expect("evaluates");
        let Judged { metrics, regression } = found.expect("nothing ends it");
        let far = regression.expect("numbers");
        assert_eq!(bits(metrics), bits(alone));
        assert!(seen.is_sorted() && seen.last() == Some(&(data.test.len() as u64)), "{seen:?}");
        // The loss is the mean square.
        let square = far.root_mean_squared_error.powi(2);
        assert!((square / metrics.loss - 1.0).abs() < 1e-5, "{square} and {}", metrics.loss);
        let ended = trainer.evaluate_while(&data.test, |_| ControlFlow::Break(())).await;
        assert!(ended.expect("evaluates").is_none());
    });
}
