//! `export` and `import` by the real binary: a run becomes an ONNX file, and the file a run.

mod command;
mod common;
mod pictures;

use command::{on_device, small_data, small_data_argument, wgrad};
use std::{fs, path::Path};
use wgrad::{
    checkpoint::Checkpoint,
    data::{Reading, folder},
    gpu::AdapterClass,
    networks::network,
    run::{AdapterRecord, Config, DataRecord, Run},
    train::Options,
};

/// A run whose network nobody trained.
fn run(into: &Path) {
    let data = folder::load(&small_data()).expect("is there");
    let model = network("mlp", [data.height, data.width, 1], data.classes.len()).expect("built in");
    let weights = model.initial_weights(5).expect("fits");
    let config = Config {
        version: env!("CARGO_PKG_VERSION").into(),
        model,
        data: DataRecord::of(&data, small_data_argument(), None, None, Reading::default()),
        options: Options::default(),
        init: None,
        adapter: AdapterRecord {
            name: "none".into(),
            backend: String::new(),
            driver: String::new(),
            class: AdapterClass::Cpu,
        },
        kernels: Vec::new(),
        files: Default::default(),
        pauses: Vec::new(),
        recipe: None,
    };
    let run = Run::create(Some(into), config).expect("is made");
    run.save(&Checkpoint { weights, ..Checkpoint::default() }, true).expect("saves");
}

#[test]
fn a_run_becomes_a_file_and_the_file_a_run_that_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    run(&folder.path().join("run"));
    let arguments =
        ["export", &path("run"), "--onnx", &path("net.onnx"), "--test-data", &path("data"), "--json"];
    let told = on_device(&arguments).end().with(0).json();
    assert_eq!(told[0]["format"], "ONNX");
    // Its own test data are a case of ONNX's kind, which wgrad's kernels pass.
    fs::copy(path("net.onnx"), folder.path().join("data/model.onnx")).expect("copies");
    let told = on_device(&["onnx-node", &path("data")]).end().with(0).json();
    assert_eq!(told[0]["outcome"], "passed", "{told:?}");

    wgrad(&["import", &path("net.onnx"), "--out", &path("again")]).end().with(0);
    wgrad(&["import", &path("net.onnx"), "--out", &path("again")]).end().refuses(&["holds a run already"]);
    let accuracy = |run: &str| {
        let told = on_device(&["eval", &path(run), "--json"]).end().with(0).json();
        (told[0]["accuracy"].clone(), told[0]["loss"].as_f64().expect("a number"))
    };
    let ((first, loss), (second, again)) = (accuracy("run"), accuracy("again"));
    assert_eq!(first, second);
    assert!((loss - again).abs() < 1e-6 * loss, "{loss} and {again}");

    wgrad(&["export", &path("run"), "--safetensors", &path("net.safetensors")]).end().with(0);
    assert_eq!(
        fs::read(path("net.safetensors")).expect("is there"),
        fs::read(folder.path().join("run/best.safetensors")).expect("is there")
    );
}

/// Keras's JSON and a folder of pictures, trained, judged, asked and exported, all by the binary.
#[test]
fn the_way_from_keras_and_pictures_to_onnx() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    pictures::folder(&folder.path().join("pictures"), 60, [12, 24]);
    let text = fs::read_to_string(common::fixture("keras/residual.json")).expect("is there");
    let mut keras: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let layers = keras["config"]["layers"].as_array_mut().expect("layers");
    layers.last_mut().expect("one")["config"]["units"] = pictures::CLASSES.len().into();
    fs::write(path("model.json"), keras.to_string()).expect("is written");

    let (model, data, run) = (path("model.json"), path("pictures"), path("run"));
    let mut arguments = vec!["train", "--model", &model, "--data", &data, "--size", "10", "--channels", "1"];
    arguments.extend(["--normalize", "--batch", "8", "--epochs", "3", "--lr", "0.02", "--out", &run]);
    on_device(&arguments).end().with(0);
    let told = on_device(&["eval", &run, "--json"]).end().with(0).json();
    assert_eq!(told[0]["images"], 12, "{told:?}");
    let (extension, bytes) = pictures::file(1, 77, [12, 24]);
    let picture = path(&format!("new.{extension}"));
    fs::write(&picture, bytes).expect("is written");
    let told = on_device(&["predict", &run, &picture, "--json"]).end().with(0).json();
    let class = told[0]["class"].as_str().expect("a class");
    assert!(pictures::CLASSES.contains(&class), "{told:?}");

    let file = path("case/model.onnx");
    fs::create_dir(path("case")).expect("is made");
    on_device(&["export", &run, "--onnx", &file, "--test-data", &path("case")]).end().with(0);
    let told = on_device(&["onnx-node", &path("case")]).end().with(0).json();
    assert_eq!(told[0]["outcome"], "passed", "{told:?}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    run(&folder.path().join("run"));
    wgrad(&["export", &path("run")]).end().refuses(&["--onnx FILE"]);
    wgrad(&["export", &path("nothing"), "--onnx", &path("x")]).end().refuses(&["is not a run"]);
    wgrad(&["import", &path("nothing"), "--out", &path("x")]).end().refuses(&["cannot read", "nothing"]);
    fs::write(path("words.onnx"), "these are words").expect("writes");
    wgrad(&["import", &path("words.onnx"), "--out", &path("x")]).end().refuses(&["words.onnx", "no ONNX"]);
    assert!(!Path::new(&path("x")).exists());
    let arguments = ["import", &path("words.onnx"), "--out", &path("x"), "--mean", "0.3"];
    wgrad(&arguments).end().refuses(&["--deviation"]);
}
