//! `eval` and `predict` by the real binary, on a run that the library made.

use crate::command::{on_device, small_data, small_data_argument, wgrad};
use serde_json::Value;
use std::{ops::ControlFlow, path::Path, sync::OnceLock};
use tempfile::TempDir;
use wgrad::{
    data::{Dataset, Split},
    evaluate::evaluate,
    gpu::AdapterRecord,
    networks::network,
    selection::Choices,
    train::{Options, Trainer},
};
use wgrad_data::{Reading, folder};
use wgrad_run::{Config, DataRecord, EpochLine, Run};

const VALIDATION: f64 = 0.25;

fn data(seed: u64) -> Dataset {
    folder::load(&small_data()).unwrap().limit(60, usize::MAX).with_validation(VALIDATION, seed).unwrap()
}

/// Trains `name` for two epochs as `wgrad train` does; the first epoch counts as the best.
async fn make(name: &str, into: &Path) {
    let context = wgrad_testing::open(false);
    let options = Options { batch: 16, epochs: 2, seed: 3, ..Options::default() };
    let data = data(options.seed);
    let model = network(name, [data.height, data.width, 1], data.classes.len()).unwrap();
    let mut trainer = Trainer::new(&context, &model, data.clone(), options.clone()).await.unwrap();
    let record = DataRecord::of(&data, small_data_argument(), Some(60), Some(VALIDATION), Reading::default());
    let config = Config {
        kernels: trainer.train_plan().variants(),
        ..Config::new(model, record, options, AdapterRecord::of(&context))
    };
    let run = Run::create(Some(into), config).unwrap();
    for epoch in 1..=2 {
        let train = trainer.epoch(|_, _| ControlFlow::Continue(())).await.unwrap().finished().unwrap();
        let test = trainer.evaluate(&data.test).await.unwrap();
        let validation = trainer.evaluate(data.validation.as_ref().unwrap()).await.unwrap();
        let step = epoch * trainer.steps_per_epoch();
        run.log(&EpochLine::new(epoch, step, [train, test], Some(validation), 1.0)).unwrap();
        run.save(&trainer.checkpoint().await.unwrap(), epoch == 1).unwrap();
    }
}

/// A run that all tests of this file share.
fn shared() -> &'static Path {
    static RUN: OnceLock<TempDir> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        pollster::block_on(make("cnn", folder.path()));
        folder
    })
    .path()
}

fn shared_argument() -> &'static str {
    shared().to_str().unwrap()
}

/// `wgrad eval` on the shared run.
fn eval(options: &[&str]) -> Value {
    let arguments = [&["eval", shared_argument(), "--json"], options].concat();
    on_device(&arguments).end().with(0).json().remove(0)
}

#[test]
fn eval_finds_the_very_numbers_that_the_run_recorded() {
    let lines = Run::open(shared()).unwrap().metrics().unwrap();
    assert_ne!(lines[0].test_loss, lines[1].test_loss);
    for (options, line) in [(&[][..], lines[0]), (&["--last"], lines[1])] {
        let found = eval(options);
        let expected = (line.epoch, line.test_loss, line.test_accuracy);
        let got = (&found["epoch"], &found["loss"], &found["accuracy"]);
        assert_eq!(got, (&expected.0.into(), &expected.1.into(), &expected.2.into()));
        assert_eq!(found["recorded"]["loss"], line.test_loss);
        let validation = eval(&[options, &["--split", "validation"]].concat());
        assert_eq!(validation["loss"], line.validation_loss.unwrap());
        assert_eq!(validation["accuracy"], line.validation_accuracy.unwrap());
    }
}

#[test]
fn eval_counts_who_is_taken_for_whom() {
    let data = data(3);
    for (options, split) in [
        (&[][..], &data.test),
        (&["--split", "train"], &data.train),
        (&["--split", "validation"], data.validation.as_ref().unwrap()),
    ] {
        let found = eval(options);
        let matrix: Vec<Vec<u64>> = serde_json::from_value(found["confusion"].clone()).unwrap();
        assert_eq!(found["images"], split.len(), "{options:?}");
        let support: Vec<_> = matrix.iter().map(|row| row.iter().sum::<u64>() as usize).collect();
        assert_eq!(support, data.class_counts(split));
        let right: u64 = (0..matrix.len()).map(|class| matrix[class][class]).sum();
        assert_eq!(found["accuracy"], right as f64 / split.len() as f64);
        for (class, row) in matrix.iter().enumerate() {
            let recall = (support[class] > 0).then(|| row[class] as f64 / support[class] as f64);
            assert_eq!(found["classes"][class]["recall"].as_f64(), recall);
        }
    }
    let ended = on_device(&["eval", shared_argument()]).end().with(0);
    for words in ["accuracy", "Confusion matrix", "precision", "class 9"] {
        assert!(ended.stdout.contains(words), "no {words:?} in:\n{}", ended.stdout);
    }
    assert!(ended.stderr.contains("to the bit"), "{}", ended.stderr);
}

#[test]
fn the_hits_that_the_device_counts_are_the_diagonal() {
    let context = wgrad_testing::open(false);
    let run = Run::open(shared()).unwrap();
    let data = data(3);
    // Three times the same images, in batches that do not divide them.
    let split = Split {
        images: data.train.images.memory().repeat(3).into(),
        labels: data.train.labels.repeat(3).into(),
        each: 1,
    };
    let mut seen = Vec::new();
    let found = pollster::block_on(evaluate(
        &context,
        &run.config.model,
        &run.best().unwrap(),
        &data,
        &split,
        32,
        &Choices::default(),
        |images| seen.push(images),
    ))
    .unwrap();
    let right: u64 = (0..data.classes.len()).map(|class| found.confusion[class][class]).sum();
    assert_eq!(found.metrics.images, split.len() as u64);
    assert_eq!(found.metrics.accuracy, right as f64 / split.len() as f64);
    assert_eq!(seen.last(), Some(&(split.len() as u64)));
    assert!(seen.len() == split.len().div_ceil(32) && !split.len().is_multiple_of(32), "{seen:?}");
}

#[test]
fn other_data_than_the_runs_is_announced() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(small_data()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let labels = folder.path().join("t10k-labels-idx1-ubyte.gz");
    let mut read = wgrad_data::idx::read(&labels).unwrap();
    read.data[0] = (read.data[0] + 1) % 10;
    wgrad_data::idx::write(&labels, &read.shape, &read.data, wgrad_data::idx::Packing::Gzip).unwrap();
    let data = folder.path().to_str().unwrap();
    let ended = on_device(&["eval", shared_argument(), "--data", data, "--json"]).end().with(0);
    assert!(ended.stderr.contains("which is not this run's own data"), "{}", ended.stderr);
    assert_eq!(ended.json()[0]["recorded"], Value::Null);
}

/// The first test images as PNG files, one dark on light and larger.
fn pictures(folder: &Path) -> (String, String) {
    let data = data(3);
    let pixels = data.test.image(0, data.pixels()).unwrap().into_owned();
    let (width, height) = (data.width as u32, data.height as u32);
    let image = image::GrayImage::from_raw(width, height, pixels).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    image.save(path("same.png")).unwrap();
    let mut light = image::GrayImage::from_pixel(90, 40, image::Luma([240]));
    light.put_pixel(45, 20, image::Luma([0]));
    light.save(path("light.png")).unwrap();
    (path("same.png"), path("light.png"))
}

#[test]
fn predict_tells_the_most_probable_classes() {
    let folder = tempfile::tempdir().unwrap();
    let (same, light) = pictures(folder.path());
    let ended =
        on_device(&["predict", shared_argument(), &same, &light, "--json", "--top", "10"]).end().with(0);
    assert!(ended.stderr.contains("inverted, as its background is light"), "{}", ended.stderr);
    let rows = ended.json();
    assert_eq!((&rows[0]["image"], &rows[1]["image"]), (&same.into(), &light.clone().into()));
    for row in &rows {
        let top: Vec<f64> =
            row["top"].as_array().unwrap().iter().map(|c| c["probability"].as_f64().unwrap()).collect();
        assert_eq!(top.len(), 10);
        assert!(top.is_sorted_by(|a, b| a >= b), "{row}");
        assert!((top.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{row}");
        assert_eq!(row["probability"].as_f64(), Some(top[0]));
        assert!(row["notes"].as_array().is_some_and(|notes| !notes.is_empty()));
    }
    // Alone or with others, a picture is classified alike.
    let alone = on_device(&["predict", shared_argument(), &light, "--json", "--top", "10"]).end().with(0);
    let (alone, together) = (&alone.json()[0]["probability"], &rows[1]["probability"]);
    assert!((alone.as_f64().unwrap() - together.as_f64().unwrap()).abs() < 1e-6, "{alone} and {together}");
    let text = on_device(&["predict", shared_argument(), &light]).end().with(0).stdout;
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains(" %") && text.contains('█'), "{text}");
}

#[test]
fn predict_classifies_the_good_pictures_and_names_the_bad_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (same, _) = pictures(folder.path());
    let bad = folder.path().join("bad.png").display().to_string();
    std::fs::write(&bad, b"no picture").unwrap();
    let ended = on_device(&["predict", shared_argument(), &bad, &same, "--json"]).end().with(2);
    assert_eq!(ended.json().len(), 1, "{ended:?}");
    assert_eq!(ended.json()[0]["image"], same);
    assert!(ended.stderr.contains(&format!("error: {bad}: not a picture")), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 of 2 pictures could not be read"), "{}", ended.stderr);
    // Nothing to classify: no device is opened.
    let ended = wgrad(&["predict", shared_argument(), &bad]).end();
    assert!(!ended.stderr.contains("adapter:"), "{}", ended.stderr);
    ended.refuses(&["not a picture", "1 of 1"]);
}
