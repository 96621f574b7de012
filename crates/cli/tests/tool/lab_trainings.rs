//! `wgrad lab train` and `wgrad bench --growth`: two trainings side by side, and how a step grows. The networks are
//! tiny and the times short: the measured values do not matter here.

use crate::command::{Ended, on_device, small_data_argument};
use serde_json::Value;
use std::fs;
use wgrad::{
    networks::network,
    selection::Choices,
    train::{Options, Trainer},
};
use wgrad_data::synthetic::synthetic;
use wgrad_lab::{
    growth,
    trainings::{Request, compare},
};

const NAIVE: &str = include_str!("../../../../shaders/matmul/naive.wgsl");

/// A training of both sides with these arguments.
fn lab_train(arguments: &[&str]) -> Ended {
    let data = small_data_argument();
    let fixed = ["lab", "train", "--data", &data, "--model", "linear", "--batch", "32"];
    on_device(&[&fixed[..], arguments].concat()).end()
}

#[test]
fn the_same_kernels_train_to_the_same_bits() {
    let rows = lab_train(&["--b", "default", "--steps", "9", "--rounds", "3", "--json"]).with(0).json();
    let (result, rest) = rows.split_last().expect("rows");
    let of = |kind: &str| rest.iter().filter(|row| row["kind"] == kind).cloned().collect::<Vec<_>>();
    let (steps, rounds) = (of("step"), of("round"));
    assert_eq!((steps.len(), rounds.len(), rows.len()), (9, 3, 13));
    for (n, step) in steps.iter().enumerate() {
        assert_eq!((&step["step"], &step["difference"]), (&(n + 1).into(), &0.0.into()), "{step}");
        assert!(step["loss_a"] == step["loss_b"] && step["allowed"].as_f64() > Some(0.0), "{step}");
    }
    for round in &rounds {
        let speed = |n: usize| round["images_per_second"][n].as_f64().expect("a speed");
        let ratio = round["ratio"].as_f64().expect("a ratio");
        assert!((speed(1) / speed(0) / ratio - 1.0).abs() < 1e-9 && speed(0) > 0.0, "{round}");
    }
    assert_eq!((&result["kind"], &result["passed"]), (&"result".into(), &true.into()));
    assert_eq!(
        (&result["weights"]["absolute"], &result["weights"]["relative_all"]),
        (&0.0.into(), &0.0.into())
    );
    assert_eq!(result["tolerance"]["longest_sum"], 784);
    let [a, b] = [&result["sides"][0], &result["sides"][1]];
    assert!(a["test_accuracy"].is_number() && a["test_accuracy"] == b["test_accuracy"], "{result}");
    assert_eq!(
        (&a["side"], &a["variants"], &b["variants"]),
        (&"a".into(), &"default".into(), &"default".into())
    );
}

#[test]
fn other_kernels_pass_and_the_numbers_are_those_of_two_trainings() {
    let context = wgrad_testing::open(false);
    let (model, data) = (network("mlp", [28, 28, 1], 10).expect("built in"), synthetic(5, 200, 40));
    let options = Options { batch: 32, ..Options::default() };
    let sides =
        [Choices::parse(&["matmul=tiled"]), Choices::parse(&["matmul=naive"])].map(|s| s.expect("variants"));
    let request = Request {
        model: model.clone(),
        options: options.clone(),
        sides: sides.clone(),
        steps: 17,
        rounds: 2,
        tolerance: None,
    };
    let found =
        pollster::block_on(compare(&context, &data, &request, &mut |_| {})).unwrap_or_else(|e| panic!("{e}"));
    println!("{:?} {:?} {:?}", found.tolerance, found.worst, found.weights);
    assert!(found.passed && found.steps == 17 && found.rounds.len() == 2);
    assert!(found.sides[0].kernels.contains(&"matmul/tiled".to_string()), "{:?}", found.sides[0]);

    // The same variant, alone.
    let mut weights = Vec::new();
    for (n, variants) in sides.into_iter().enumerate() {
        let options = Options { variants, ..options.clone() };
        let mut trainer = pollster::block_on(Trainer::new(&context, &model, data.clone(), options))
            .unwrap_or_else(|e| panic!("{e}"));
        let mut losses = Vec::new();
        while losses.len() < 17 {
            let left = 17 - losses.len() as u64;
            let flow = trainer.advance(left, |_, step| {
                losses.push(step.loss());
                std::ops::ControlFlow::Continue(())
            });
            let _either_way = pollster::block_on(flow).expect("trains");
        }
        let reported: Vec<f64> = found.curve.iter().map(|pair| [pair.loss_a, pair.loss_b][n]).collect();
        assert_eq!(reported, losses, "side {n}");
        weights.push(pollster::block_on(trainer.checkpoint()).expect("reads").weights);
    }
    let reported = found.weights.expect("told");
    let largest = weights[0].iter().zip(&weights[1]).map(|(a, b)| f64::from(*b) - f64::from(*a));
    assert_eq!(reported.absolute, largest.map(f64::abs).fold(0.0, f64::max));
    let parameters = model.parameters().expect("fits");
    let parameter = parameters.iter().find(|p| p.name == reported.tensor).expect("a tensor of the model");
    assert_eq!(f64::from(weights[0][parameter.offset + reported.index]), reported.a);
    assert_eq!(f64::from(weights[1][parameter.offset + reported.index]), reported.b);
}

#[test]
fn losses_beyond_the_tolerance_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.wgsl").display().to_string();
    // Right, and in another order: the last terms first.
    let text = NAIVE.replace("x[row * K + k]", "x[row * K + (K - 1u - k)]");
    let text = text.replace("w[k * N + column]", "w[(K - 1u - k) * N + column]");
    assert_eq!(text.matches("K - 1u - k").count(), 2, "adapt this test to {NAIVE}");
    fs::write(&file, text).expect("writes");
    let side = format!("matmul={file}");
    let both = ["--a", "matmul=naive", "--b", &side, "--steps", "12", "--rounds", "2"];
    let ended = lab_train(&both).with(0);
    for word in ["both train alike", "times as fast as A", "last bit", "|difference|", "mine.wgsl"] {
        assert!(ended.stdout.contains(word), "no {word:?} in {ended:#?}");
    }
    let ended = lab_train(&[&both[..], &["--tolerance", "0"]].concat()).with(1);
    assert!(ended.stdout.contains("DIFFERENT") && ended.stdout.contains("as given"), "{ended:#?}");
    let csv = lab_train(&[&both[..], &["--tolerance", "1", "--csv"]].concat()).with(0).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!((lines.len(), lines[0]), (13, "step,loss_a,loss_b,difference,allowed"), "{csv}");

    // A loss that is no number is a result.
    let ended = lab_train(&["--b", "default", "--steps", "9", "--lr", "3e38", "--json"]).with(1);
    let rows = ended.json();
    let result = rows.last().expect("a result");
    assert!(result["passed"] == false && result["weights"] == Value::Null, "{result}");
    assert!(result["sides"][1]["diverged_at"].as_u64() > Some(1), "{result}");
}

#[test]
fn bad_sides_and_sizes_are_refused_in_words() {
    lab_train(&["--b", "matmul=fast"]).refuses(&["`fast` of matmul", "naive"]);
    lab_train(&["--b", "matmul=none.wgsl"]).refuses(&["none.wgsl", "--template"]);
    lab_train(&["--b", "default", "--steps", "1"]).refuses(&["--steps is 1", "at least 2"]);
    lab_train(&["--b", "default", "--rounds", "0"]).refuses(&["--rounds is 0", "at least 1"]);
    lab_train(&["--b", "default", "--tolerance", "nan"]).refuses(&["--tolerance is NaN", "from 0"]);
    lab_train(&["--a", "default"]).refuses(&["--b"]);
    on_device(&["bench", "--widths", "2"]).end().refuses(&["--growth"]);
    on_device(&["bench", "--growth", "--widths", "0"]).end().refuses(&["--widths"]);
}

#[test]
fn growth_measures_every_size_that_fits_and_names_the_others() {
    let arguments =
        ["bench", "linear", "--growth", "--batches", "8,4,16,20000", "--widths", "1,2", "--seconds", "25"];
    let rows = on_device(&[&arguments[..], &["--json"]].concat()).end().with(0).json();
    let sizes: Vec<_> = rows.iter().filter(|row| row["kind"] == "size").collect();
    let places: Vec<_> = sizes.iter().map(|row| (row["width"].as_u64(), row["batch"].as_u64())).collect();
    let expected = [1, 2].map(|width| [4, 8, 16, 20_000].map(|batch| (Some(width), Some(batch))));
    assert_eq!(places, expected.concat());
    for row in &sizes[..3] {
        let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("no {key} in {row}"));
        assert!(number("seconds_min") > 0.0 && number("seconds_min") <= number("seconds"), "{row}");
        assert!(number("seconds_max") >= number("seconds") && number("rounds") >= 1.0, "{row}");
        assert!((number("gflops") * number("seconds") / number("gflop") - 1.0).abs() < 1e-9, "{row}");
        assert!(
            (number("images_per_second") * number("seconds") / number("batch") - 1.0).abs() < 1e-9,
            "{row}"
        );
        assert!(number("share_of_best") <= 1.0 && number("parameters") == 7850.0, "{row}");
    }
    assert!(sizes[..3].iter().any(|row| row["share_of_best"] == 1.0), "{sizes:?}");
    let skipped = |row: &Value, word: &str| row["skipped"].as_str().is_some_and(|why| why.contains(word));
    assert!(
        skipped(sizes[3], "training images") && sizes[4..].iter().all(|row| skipped(row, "no hidden layer"))
    );
    assert!(sizes[3..].iter().all(|row| row["seconds"] == Value::Null), "{sizes:?}");
    let fits: Vec<_> = rows.iter().filter(|row| row["kind"] == "fit").collect();
    assert_eq!((fits.len(), &fits[0]["sizes"], &fits[0]["width"]), (1, &3.into(), &1.into()));
    let fixed = |key: &str| fits[0][key].as_f64().expect("a number");
    assert!(
        fixed("fixed_seconds_min") <= fixed("fixed_seconds")
            && fixed("fixed_seconds") <= fixed("fixed_seconds_max")
    );
}

#[test]
fn sizes_beyond_the_adapter_are_named() {
    let context = wgrad_testing::open(false);
    let model = network("mlp", [28, 28, 1], 10).expect("built in");
    let data = synthetic(1, 64, 10);
    // A hidden layer whose weights no adapter binds at once.
    let request = growth::Request {
        batches: vec![8],
        widths: vec![1, 1 << 14],
        // A busy machine may take any time for the small one.
        seconds: 1e6,
        rounds: 1,
        options: Options::default(),
    };
    let found = pollster::block_on(growth::measure(&context, &model, &data, &request, &mut |_| {}));
    let cells = found.unwrap_or_else(|e| panic!("{e}")).cells;
    assert!(cells[0].seconds.is_some() && cells[0].skipped.is_none(), "{cells:?}");
    let why = cells[1].skipped.as_ref().expect("skipped");
    assert!(cells[1].seconds.is_none() && why.contains("bytes"), "{why}");
}

#[test]
fn growth_as_a_table_and_as_csv() {
    let arguments =
        ["bench", "linear", "--growth", "--batches", "4,8,16", "--widths", "1", "--seconds", "30"];
    let table = on_device(&arguments).end().with(0).stdout;
    assert!(table.contains("of the best") && table.contains("a fixed cost of"), "{table}");
    let csv = on_device(&[&arguments[..], &["--csv"]].concat()).end().with(0).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(
        lines[0].starts_with("kind,network,batch,width,") && lines[1].starts_with("size,linear,4,1,"),
        "{csv}"
    );
}
