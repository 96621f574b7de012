//! Networks with several outputs, each with a loss and a weight of its own.

use std::{ops::ControlFlow::Continue, sync::Arc};
use wgrad::{
    checkpoint::Checkpoint,
    data::{Dataset, Split},
    evaluate::{Evaluator, fits},
    layers::Dense,
    loss::Loss,
    metrics::{Metrics, OfHeads},
    model::{Head, MOST_HEADS, Model},
    optim::{Adam, Method, Optimizer},
    predict::Predictor,
    preprocessing::Preprocessing,
    selection::Choices,
    train::{Options, Progress, Trainer},
};

const COLUMNS: usize = 6;
const ROWS: usize = 50;

fn dense(units: usize, activation: &str, name: &str) -> Dense {
    Dense { name: Some(name.into()), ..Dense::new(units) }.activation(activation).expect("an activation")
}

/// A trunk with an output of one probability, one of classes, and one of two numbers.
fn model() -> Model {
    Model::new("tickets", [1, 1, COLUMNS])
        .add(dense(8, "tanh", "trunk"))
        .add(dense(1, "sigmoid", "priority"))
        .add_from(dense(3, "softmax", "department"), &["trunk"])
        .add_from(dense(2, "linear", "numbers"), &["trunk"])
        .with_heads([
            Head::new("priority"),
            Head { name: Some("team".into()), ..Head::new("department").weighted(0.25) },
            Head::new("numbers").with_loss(Loss::MeanSquaredError).weighted(2.0),
        ])
}

fn split(rows: usize, seed: u64, each: impl Fn(&[f32]) -> Vec<f32>) -> Split {
    let draw = |n: usize| (wgrad::feed::split_mix(seed ^ n as u64) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    let values: Vec<f32> = (0..rows * COLUMNS).map(draw).collect();
    let labels: Vec<Vec<f32>> = values.chunks(COLUMNS).map(each).collect();
    let each = labels[0].len();
    Split {
        images: values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into(),
        labels: labels.concat().iter().map(|v| v.to_bits()).collect(),
        each,
    }
}

/// Labels of all outputs: they follow from the values.
fn labels(x: &[f32]) -> Vec<f32> {
    let class = if x[1] > 0.3 {
        2.0
    } else if x[2] > 0.0 {
        1.0
    } else {
        0.0
    };
    vec![f32::from(u8::from(x[0] > 0.0)), class, x[3] - x[4], 0.5 * x[5]]
}

fn data(each: fn(&[f32]) -> Vec<f32>) -> Dataset {
    let (train, test) = (split(ROWS, 1, each), split(20, 1 << 32, each));
    Dataset {
        name: "rows".into(),
        source: "drawn".into(),
        height: 1,
        width: 1,
        channels: COLUMNS,
        input: Preprocessing { floats: true, numbers: true, normalization: None },
        classes: Vec::new(),
        train,
        validation: None,
        test,
        digest: String::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        table: None,
    }
}

fn options(epochs: u64) -> Options {
    let optimizer = Optimizer { learning_rate: 0.02, ..Optimizer::new(Method::Adam(Adam::default())) };
    Options { batch: 16, epochs, seed: 3, budget: 0, optimizer, ..Options::default() }
}

fn trainer(model: &Model, data: &Arc<Dataset>, options: Options) -> Trainer {
    let context = wgrad_testing::open(false);
    pollster::block_on(Trainer::new(&context, model, data.clone(), options)).expect("compiles")
}

fn epoch(trainer: &mut Trainer) -> Metrics {
    let progress = pollster::block_on(trainer.epoch(|_, _| Continue(()))).expect("trains");
    let Progress::Finished(metrics) = progress else { panic!("nothing breaks it") };
    metrics
}

fn evaluated(trainer: &mut Trainer) -> Metrics {
    let test = trainer.data().test.clone();
    pollster::block_on(trainer.evaluate(&test)).expect("evaluates")
}

#[test]
fn the_loss_is_the_weighted_sum_and_each_output_learns() {
    let data = Arc::new(data(labels));
    let mut trainer = trainer(&model(), &data, options(60));
    let first = epoch(&mut trainer);
    let last = (1..60).map(|_| epoch(&mut trainer)).last().expect("some");
    for metrics in [&first, &last, &evaluated(&mut trainer)] {
        let [priority, team, numbers] = metrics.heads[..] else { panic!("{metrics:?}") };
        let sum = priority[0] + 0.25 * team[0] + 2.0 * numbers[0];
        assert!((metrics.loss - sum).abs() < 1e-5 * sum, "{metrics:?}");
    }
    for (n, ([before, _], [after, accuracy])) in first.heads.iter().zip(last.heads.iter()).enumerate() {
        assert!(*after < 0.5 * before, "output {n}: {before} to {after}");
        assert!(*accuracy > 0.9, "output {n}: {accuracy}");
    }
}

#[test]
fn each_output_is_judged_as_if_it_were_alone() {
    let whole = Arc::new(data(labels));
    let mut all = trainer(&model(), &whole, options(1));
    let state = pollster::block_on(all.checkpoint()).expect("reads");
    let found = evaluated(&mut all);
    let single = |output: Dense, loss, each: fn(&[f32]) -> Vec<f32>| {
        let name = output.name.clone().expect("named");
        let mut model = Model::new("single", [1, 1, COLUMNS]).add(dense(8, "tanh", "trunk")).add(output);
        model.loss = Some(loss);
        let mut data = data(each);
        if loss == Loss::SoftmaxCrossEntropy || loss == Loss::BinaryCrossEntropy {
            data.input.numbers = false;
            data.classes = ["0", "1", "2"][..if name == "priority" { 2 } else { 3 }]
                .iter()
                .map(ToString::to_string)
                .collect();
            for split in [&mut data.train, &mut data.test] {
                split.labels = split.labels.iter().map(|bits| f32::from_bits(*bits) as u32).collect();
            }
        }
        let mut alone = trainer(&model, &Arc::new(data), options(1));
        // The same weights, wherever they lie in the arena.
        let mut own = pollster::block_on(alone.checkpoint()).expect("reads");
        for p in alone.parameters() {
            let theirs = all.parameters().iter().find(|other| other.name == p.name).expect("has it");
            own.weights[p.offset..p.offset + p.len()]
                .copy_from_slice(&state.weights[theirs.offset..theirs.offset + p.len()]);
        }
        alone.restore(&Checkpoint { weights: own.weights, ..Checkpoint::default() });
        let metrics = evaluated(&mut alone);
        [metrics.loss, metrics.accuracy]
    };
    let expected = [
        single(dense(1, "sigmoid", "priority"), Loss::BinaryCrossEntropy, |x| labels(x)[..1].to_vec()),
        single(dense(3, "softmax", "department"), Loss::SoftmaxCrossEntropy, |x| labels(x)[1..2].to_vec()),
        single(dense(2, "linear", "numbers"), Loss::MeanSquaredError, |x| labels(x)[2..].to_vec()),
    ];
    assert_eq!(found.heads[..], expected, "to the bit");
}

#[test]
fn a_training_that_is_broken_off_goes_on_to_the_same_bits() {
    let data = Arc::new(data(labels));
    let mut whole = trainer(&model(), &data, options(2));
    let means = [epoch(&mut whole), epoch(&mut whole)];
    let expected = pollster::block_on(whole.checkpoint()).expect("reads");
    let mut again = trainer(&model(), &data, options(2));
    assert_eq!([epoch(&mut again), epoch(&mut again)], means, "twice the same");
    let mut first = trainer(&model(), &data, options(2));
    epoch(&mut first);
    let _paused = pollster::block_on(first.advance(2, |_, _| Continue(()))).expect("trains");
    let saved = pollster::block_on(first.checkpoint()).expect("reads");
    assert_eq!(saved.position.running.heads.len(), 3);
    let bytes = saved.to_bytes(first.parameters()).expect("writes");
    let mut resumed = trainer(&model(), &data, options(2));
    resumed.restore(&Checkpoint::from_bytes("test", &bytes, resumed.parameters()).expect("reads"));
    assert_eq!(epoch(&mut resumed), means[1], "the means too");
    assert!(pollster::block_on(resumed.checkpoint()).expect("reads") == expected);
}

#[test]
fn predictions_have_the_values_of_all_outputs() {
    let (context, data) = (wgrad_testing::open(false), Arc::new(data(labels)));
    let (model, input) = (model(), &data.input);
    let weights = model.initial_weights(3).expect("fits");
    let state = Checkpoint { weights, ..Checkpoint::default() };
    let bytes: Vec<u8> =
        (0..20).flat_map(|n| data.test.image(n, data.pixels()).expect("there").to_vec()).collect();
    pollster::block_on(async {
        let choices = Choices::default();
        let predictor = Predictor::new(&context, &model, input, &state, 8, &choices).await.expect("compiles");
        let rows = predictor.outputs(&bytes).await.expect("predicts");
        let built =
            Predictor::of_network(&context, &model, input, &state, 8, &choices).await.expect("compiles");
        let mut evaluator = Evaluator::new(&context, &model, &state, &data, (8, 20), false, &choices)
            .await
            .expect("compiles");
        let mut seen = Vec::new();
        let judged = evaluator.evaluate(&data, &data.test, None, |batch| {
            seen.extend(batch.outputs.clone());
            Continue(())
        });
        let judged = judged.await.expect("evaluates").expect("all of it");
        for (n, (row, other)) in rows.iter().zip(built.outputs(&bytes).await.expect("predicts")).enumerate() {
            assert_eq!(row.len(), 6);
            assert!(
                (0.0..1.0).contains(&row[0]) && (row[1..4].iter().sum::<f32>() - 1.0).abs() < 1e-6,
                "{row:?}"
            );
            for (one, two) in row.iter().zip(&other) {
                assert!((one - two).abs() < 1e-6, "{row:?} {other:?}");
            }
            assert_eq!(other, seen[6 * n..6 * n + 6]);
            assert_eq!(judged.predictions[n].scores, other);
        }
    });
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let refused = |change: &dyn Fn(&mut Model)| {
        let mut model = model();
        change(&mut model);
        model.several_outputs().expect_err("it does not fit").to_string()
    };
    let wider = |m: &mut Model| {
        let heads = m.heads.iter().cloned().chain([Head::new("dense_5")]);
        *m = m.clone().add_from(Dense::new(2), &["priority"]).with_heads(heads);
    };
    type Change<'a> = &'a dyn Fn(&mut Model);
    let cases: [(Change<'_>, &str); 8] = [
        (
            &|m: &mut Model| m.heads[0].layer = "other".into(),
            "name `other`, which is no layer; there are trunk, priority",
        ),
        (&|m: &mut Model| m.heads[1].name = Some("priority".into()), "have one name"),
        (&|m: &mut Model| m.heads[1].layer = "priority".into(), "have one layer"),
        (&|m: &mut Model| m.heads[1].weight = -1.0, "the weight -1 of the loss of `team`"),
        (&|m: &mut Model| m.heads.truncate(1), "are a list of 1, expected 2 to 16"),
        (&|m: &mut Model| drop(m.heads.remove(1)), "layer 3 (department)"),
        (&|m: &mut Model| m.loss = Some(Loss::MeanSquaredError), "has the loss mean_squared_error too"),
        (&wider, "whose sigmoid is part of its loss"),
    ];
    for (change, words) in cases {
        let error = refused(change);
        assert!(error.contains(words), "{error}");
    }
    let unfit = |change: &dyn Fn(&mut Dataset)| {
        let mut data = data(labels);
        change(&mut data);
        fits(&model(), &data).expect_err("it does not fit").to_string()
    };
    let classes = unfit(&|data| (data.input.numbers, data.classes) = (false, vec!["0".into(), "1".into()]));
    let words =
        "4 numbers as the labels of a row: 1 class of `priority`, 1 class of `team`, 2 numbers of `numbers`";
    assert!(classes.contains(words), "{classes}");
    let beyond = unfit(&|data| data.test = split(20, 5, |x| vec![0.0, 3.0, x[0], x[1]]));
    assert!(
        beyond
            .contains("got 3 among the labels of row 0 (from 0) of its test part, expected one of 3 classes"),
        "{beyond}"
    );
    let smooth = wgrad::objective::Objective { label_smoothing: 0.1, ..Default::default() };
    assert!(smooth.validate(0, Loss::WeightedSum).is_err());
}

#[test]
fn sums_of_outputs_are_read_as_they_are_written() {
    let pairs: OfHeads = [[1.5, 2.0], [0.25, 3.0]].into_iter().collect();
    let text = serde_json::to_string(&pairs).expect("writes");
    assert_eq!(text, "[[1.5,2.0],[0.25,3.0]]");
    assert_eq!(serde_json::from_str::<OfHeads>(&text).expect("reads"), pairs);
    let many = serde_json::to_string(&vec![[0.0, 0.0]; MOST_HEADS + 1]).expect("writes");
    assert!(serde_json::from_str::<OfHeads>(&many).is_err());
}
