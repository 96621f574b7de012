//! `export` and `import` by the real binary: a run becomes an ONNX file, and the file a run.

use crate::command::{on_device, small_data, small_data_argument, wgrad};
use std::{fs, path::Path};
use wgrad::{
    checkpoint::Checkpoint,
    feed::{Batch, Step},
    gpu::AdapterRecord,
    networks::network,
    op::AdapterClass,
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::{Mode, interpreter::Interpreter},
    train::Options,
};
use wgrad_data::{Reading, folder};
use wgrad_formats::onnx;
use wgrad_run::{Config, DataRecord, Run};

/// A run with an untrained network.
fn run(into: &Path) {
    let data = folder::load(&small_data()).expect("is there");
    let model = network("mlp", [data.height, data.width, 1], data.classes.len()).expect("built in");
    let weights = model.initial_weights(5).expect("fits");
    let record = DataRecord::of(&data, small_data_argument(), None, None, Reading::default());
    let adapter = AdapterRecord {
        name: "none".into(),
        backend: String::new(),
        driver: String::new(),
        class: AdapterClass::Cpu,
    };
    let config = Config::new(model, record, Options::default(), adapter);
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
    let reported = on_device(&arguments).end().with(0).json();
    assert_eq!(reported[0]["format"], "ONNX");
    // Its own test data are a test case in ONNX's format, which wgrad's kernels pass.
    fs::copy(path("net.onnx"), folder.path().join("data/model.onnx")).expect("copies");
    let reported = on_device(&["onnx-node", &path("data")]).end().with(0).json();
    assert_eq!(reported[0]["outcome"], "passed", "{reported:?}");

    wgrad(&["import", &path("net.onnx"), "--out", &path("again")]).end().with(0);
    wgrad(&["import", &path("net.onnx"), "--out", &path("again")]).end().refuses(&["holds a run already"]);
    // Where the data lie on this machine is not in the file.
    let bytes = fs::read(path("net.onnx")).expect("is there");
    let data = small_data_argument();
    let parent = small_data().parent().expect("has one").display().to_string();
    assert!(!bytes.windows(parent.len()).any(|part| part == parent.as_bytes()), "the file holds {parent}");
    wgrad(&["eval", &path("again")]).end().refuses(&["name other data with `--data`"]);
    let accuracy = |run: &str| {
        let reported = on_device(&["eval", &path(run), "--data", &data, "--json"]).end().with(0).json();
        (reported[0]["accuracy"].clone(), reported[0]["loss"].as_f64().expect("a number"))
    };
    let ((first, loss), (second, again)) = (accuracy("run"), accuracy("again"));
    assert_eq!(first, second);
    assert!((loss - again).abs() < 1e-6 * loss, "{loss} and {again}");

    wgrad(&["export", &path("run"), "--safetensors", &path("net.safetensors")]).end().with(0);
    let run = Run::open(&folder.path().join("run")).expect("opens");
    let parameters = run.config.model.parameters().expect("fits");
    let bytes = fs::read(path("net.safetensors")).expect("is there");
    // The settings of the training are not in the file.
    assert!(!bytes.windows(9).any(|part| part == b"\"decided\"" || part == b"decided\\\""));
    let written = Checkpoint::from_bytes("net.safetensors", &bytes, &parameters).expect("reads");
    assert_eq!(written, run.best().expect("reads"));
}

/// Keras's JSON and a folder of pictures, trained, judged, asked and exported, all by the binary.
#[test]
fn the_way_from_keras_and_pictures_to_onnx() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    wgrad_testing::pictures::folder(&folder.path().join("pictures"), 60, [12, 24]);
    let text = fs::read_to_string(wgrad_testing::fixture("keras/residual.json")).expect("is there");
    let mut keras: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let layers = keras["config"]["layers"].as_array_mut().expect("layers");
    layers.last_mut().expect("one")["config"]["units"] = wgrad_testing::pictures::CLASSES.len().into();
    fs::write(path("model.json"), keras.to_string()).expect("is written");

    let (model, data, run) = (path("model.json"), path("pictures"), path("run"));
    let mut arguments = vec!["train", "--model", &model, "--data", &data, "--size", "10", "--channels", "1"];
    arguments.extend(["--normalize", "--batch", "8", "--epochs", "3", "--lr", "0.02", "--out", &run]);
    on_device(&arguments).end().with(0);
    let reported = on_device(&["eval", &run, "--json"]).end().with(0).json();
    assert_eq!(reported[0]["images"], 12, "{reported:?}");
    let (extension, bytes) = wgrad_testing::pictures::file(1, 77, [12, 24]);
    let picture = path(&format!("new.{extension}"));
    fs::write(&picture, bytes).expect("is written");
    let reported = on_device(&["predict", &run, &picture, "--json"]).end().with(0).json();
    let class = reported[0]["class"].as_str().expect("a class");
    assert!(wgrad_testing::pictures::CLASSES.contains(&class), "{reported:?}");

    let file = path("case/model.onnx");
    fs::create_dir(path("case")).expect("is made");
    on_device(&["export", &run, "--onnx", &file, "--test-data", &path("case")]).end().with(0);
    let reported = on_device(&["onnx-node", &path("case")]).end().with(0).json();
    assert_eq!(reported[0]["outcome"], "passed", "{reported:?}");
}

/// A file from elsewhere says nothing of its classes and its data.
#[test]
fn a_network_from_elsewhere_has_classes_of_its_own_and_takes_pictures_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = wgrad_testing::fixture("onnx").join("beside/net.onnx").display().to_string();
    let reported = wgrad(&["import", &file, "--out", &path("net"), "--json"]).end().with(0).json();
    assert_eq!(reported[0]["classes"], serde_json::json!(["class 0", "class 1", "class 2"]));
    assert_eq!(reported[0]["data"], serde_json::Value::Null);
    wgrad(&["eval", &path("net")])
        .end()
        .refuses(&["name other data with `--data`", "its data set is not known"]);

    // A dark cross on a light ground stays what it is.
    let picture =
        image::GrayImage::from_fn(6, 6, |x, y| image::Luma([if x == 1 || y == 2 { 20 } else { 250 }]));
    picture.save(path("cross.png")).expect("is written");
    let reported = on_device(&["predict", &path("net"), &path("cross.png"), "--json"]).end().with(0).json();
    let class = reported[0]["class"].as_str().expect("a class").to_string();
    assert!(
        class.starts_with("class ") && !reported[0]["notes"].to_string().contains("invert"),
        "{reported:?}"
    );
    let mut model = onnx::read("net.onnx", &fs::read(&file).expect("is there")).expect("reads");
    onnx::external::fetch("net.onnx", &mut model, Path::new(&file).parent().expect("has one"))
        .expect("are there");
    let net = onnx::import::import("net.onnx", &model, &onnx::import::Options::default()).expect("reads");
    let program = net
        .model
        .program(&Preprocessing::default(), Mode::Evaluate, 1, 1, &Optimizer::default())
        .expect("fits");
    let mut machine = Interpreter::new(program, &net.weights);
    machine.step(&Batch { images: picture.into_raw(), labels: vec![0] }, Step { rows: 1, ..Step::default() });
    let logits = machine.real(machine.program.output).to_vec();
    let best = (0..3).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).expect("one");
    assert_eq!(class, format!("class {best}"), "{logits:?}");

    let named = |name: &str, more: &[&str]| {
        wgrad(&[&["import", &file, "--out", &path(name), "--json"][..], more].concat()).end()
    };
    let reported = named("named", &["--classes", "cat, dog,cow"]).with(0).json();
    assert_eq!(reported[0]["classes"], serde_json::json!(["cat", "dog", "cow"]));
    fs::write(path("names.txt"), "\u{feff}cat\r\ndog\r\ncow\r\n").expect("is written");
    let reported = named("listed", &["--classes", &path("names.txt")]).with(0).json();
    assert_eq!(reported[0]["classes"], serde_json::json!(["cat", "dog", "cow"]));
    named("few", &["--classes", "cat,dog"]).refuses(&["--classes names 2 classes, the network has 3"]);
    named("twice", &["--classes", "cat,dog,cat"]).refuses(&["`cat` twice"]);

    // Given data are checked: their classes and sizes.
    for class in ["cow", "cat", "dog"] {
        fs::create_dir_all(folder.path().join("pictures").join(class)).expect("is made");
        for n in 0..5 {
            let picture = image::GrayImage::from_pixel(9 + n, 12, image::Luma([40 * n as u8]));
            picture.save(path(&format!("pictures/{class}/{n}.png"))).expect("is written");
        }
    }
    let reported = named("data", &["--data", &path("pictures")]).with(0).json();
    assert_eq!(reported[0]["classes"], serde_json::json!(["cat", "cow", "dog"]));
    on_device(&["eval", &path("data"), "--json"]).end().with(0);
    on_device(&["eval", &path("net"), "--data", &path("pictures"), "--json"]).end().with(0);
    // Folders come in the order of the alphabet: their names are what counts.
    let judged =
        on_device(&["eval", &path("named"), "--data", &path("pictures"), "--json"]).end().with(0).json();
    let names: Vec<_> =
        judged[0]["classes"].as_array().expect("classes").iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["cat", "dog", "cow"]);
    named("order", &["--data", &path("pictures"), "--classes", "dog,cat,cow"]).refuses(&["in another order"]);
    named("other", &["--data", &small_data_argument()]).refuses(&["do not fit this network"]);
}

/// x · W + b for rows of six numbers, as another program writes it.
fn rows_network() -> Vec<u8> {
    use wgrad_formats::onnx::{
        proto::{
            Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
            TensorTypeProto, TypeProto, ValueInfoProto,
        },
        tensor::Tensor,
    };
    let value = |name: &str, shape: &[Option<i64>]| {
        let dim = shape.iter().map(|n| Dimension { dim_value: *n, dim_param: None }).collect();
        let tensor_type = Some(TensorTypeProto { elem_type: 1, shape: Some(TensorShapeProto { dim }) });
        ValueInfoProto {
            name: name.into(),
            r#type: Some(TypeProto { tensor_type }),
            doc_string: String::new(),
        }
    };
    let input = ["x", "w", "b"].map(String::from).to_vec();
    let gemm = NodeProto { op_type: "Gemm".into(), input, output: vec!["y".into()], ..NodeProto::default() };
    let tensors = [("w", &[6, 1][..], &WEIGHTS[..6]), ("b", &[1], &WEIGHTS[6..])];
    let tensors = tensors.map(|(name, shape, values)| Tensor::real(shape, values.to_vec()).to_proto(name));
    let graph = GraphProto {
        node: vec![gemm],
        initializer: tensors.to_vec(),
        input: vec![value("x", &[None, Some(6)])],
        output: vec![value("y", &[None, Some(1)])],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    onnx::write(&ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() })
}

/// Sums of products with small numbers are exact.
const WEIGHTS: [f32; 7] = [0.5, -0.25, 1.0, 0.0, 2.0, -1.0, 3.0];

#[test]
fn the_numbers_of_a_table_go_into_an_imported_network_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("rows.onnx"), rows_network()).expect("is written");
    // Whole numbers that could be bytes, and others.
    let rows = |scale: f32| -> Vec<[f32; 7]> {
        let number =
            |n: usize, column: usize| ((n * (7 + 5 * column) + column * column) % 101) as f32 * scale;
        let of = |n: usize| {
            let x: [f32; 6] = std::array::from_fn(|column| number(n, column));
            let y = WEIGHTS[6] + x.iter().zip(WEIGHTS).map(|(x, w)| x * w).sum::<f32>();
            [x[0], x[1], x[2], x[3], x[4], x[5], y]
        };
        (0..40).map(of).collect()
    };
    for (name, scale) in [("whole", 1.0), ("parts", -0.125)] {
        let rows = rows(scale);
        let line = |row: &[f32]| row.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        let inputs: Vec<String> = rows.iter().map(|row| line(&row[..6])).collect();
        let both: Vec<String> = rows.iter().map(|row| line(row)).collect();
        let (table, bare) = (path(&format!("{name}.csv")), path(&format!("{name}-inputs.csv")));
        fs::write(&table, format!("a,b,c,d,e,f,y\n{}\n", both.join("\n"))).expect("is written");
        fs::write(&bare, format!("a,b,c,d,e,f\n{}\n", inputs.join("\n"))).expect("is written");
        let (plain, reported) = (path(&format!("{name}-plain")), path(&format!("{name}-told")));
        let file = path("rows.onnx");
        let said = wgrad(&["import", &file, "--out", &plain]).end().with(0).stderr;
        assert!(said.contains("numbers of rows are taken as they are"), "{said}");
        assert!(said.contains("ROWS.csv"), "{said}");
        wgrad(&["import", &file, "--out", &reported, "--data", &table]).end().with(0);
        for run in [&plain, &reported] {
            for file in [&table, &bare] {
                let found = on_device(&["predict", run, file, "--json"]).end().with(0).json();
                let found: Vec<f64> = found.iter().map(|row| row["value"].as_f64().expect("one")).collect();
                let expected: Vec<f64> = rows.iter().map(|row| f64::from(row[6])).collect();
                assert_eq!(found, expected, "{run} {file}");
            }
            let judged = on_device(&["eval", run, "--data", &table, "--json"]).end().with(0);
            assert!(!judged.stderr.contains("standardised"), "{}", judged.stderr);
            assert_eq!(judged.json()[0]["root_mean_squared_error"], 0.0, "{run}");
        }
        let judged = on_device(&["eval", &reported]).end().with(0);
        assert!(
            judged.stdout.contains("RMSE      0.0000 of 8 test rows")
                && !judged.stdout.contains("standardised"),
            "{judged:?}"
        );
        // What it was trained on is not known here.
        assert!(!judged.stderr.contains("this run held out"), "{judged:?}");
        assert!(judged.stderr.contains("trained on some of them: it was imported"), "{judged:?}");
        // A training goes on from there, with numbers as they are.
        for (run, on) in [(&plain, "plain-on"), (&reported, "told-on")] {
            let (model, weights) = (format!("{run}/model.toml"), format!("{run}/best.safetensors"));
            let on = path(&format!("{name}-{on}"));
            let from = ["train", "--model", &model, "--init", &weights, "--data", &table, "--lr", "1e-12"];
            let said = on_device(&[&from[..], &["--epochs", "1", "--out", &on]].concat()).end().with(0);
            assert!(said.stderr.contains("are taken as they are, as the network of"), "{said:?}");
            let judged = on_device(&["eval", &on, "--json"]).end().with(0).json().remove(0);
            assert!(judged["root_mean_squared_error"].as_f64().expect("one") < 1e-5, "{judged}");
            assert_eq!(judged["images"], 8);
        }
        on_device(&["predict", &reported, &bare, "--missing", "mean"])
            .end()
            .refuses(&["means of the columns", "drop"]);
    }
    // Told that they are images, and few numbers.
    let arguments =
        ["import", &path("rows.onnx"), "--out", &path("images"), "--mean", "0.5", "--deviation", "0.5"];
    let said = wgrad(&arguments).end().with(0).stderr;
    assert!(said.contains("numbers of rows are taken as bytes, divided by 255"), "{said}");
}

/// A network of a table is trained, run by another program, and imported again.
#[test]
fn a_table_goes_to_onnx_and_back_with_its_units() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows: String =
        (0..60).map(|n| format!("{},{},{}\n", n % 7, 50 + n, 1000 * (n % 7) + 200 * n + 40_000)).collect();
    fs::write(path("price.csv"), format!("rooms,area,price\n{rows}")).expect("is written");
    fs::write(path("new.csv"), "rooms,area\n3,100\n5,60\n").expect("is written");
    let (data, run) = (path("price.csv"), path("run"));
    let arguments =
        ["train", "--model", "linear", "--data", &data, "--label", "price", "--epochs", "2", "--out", &run];
    on_device(&arguments).end().with(0);
    fs::create_dir(path("case")).expect("is made");
    let file = path("case/model.onnx");
    on_device(&["export", &path("run"), "--onnx", &file, "--test-data", &path("case")]).end().with(0);
    let reported = on_device(&["onnx-node", &path("case")]).end().with(0).json();
    assert_eq!(reported[0]["outcome"], "passed", "{reported:?}");
    wgrad(&["import", &file, "--out", &path("again")]).end().with(0);
    let values = |run: &str| -> Vec<f64> {
        let reported = on_device(&["predict", &path(run), &path("new.csv"), "--json"]).end().with(0).json();
        reported.iter().map(|row| row["value"].as_f64().expect("a number")).collect()
    };
    let (first, again) = (values("run"), values("again"));
    assert_eq!((first.len(), &first), (2, &again));
    assert!(first[0] > 1000.0, "{first:?} is in the unit of the label");
}

/// A column with the same value in all training rows counts for nothing, in wgrad and in the file. Both treat lines
/// without a value alike.
#[test]
fn a_column_that_tells_nothing_changes_no_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let word = |n: usize| if n % 9 == 4 { String::new() } else { (n * 7 % 50).to_string() };
    let rows: String = (0..100).map(|n| format!("{},5,{}\n", word(n), 2 * (n * 7 % 50) + 1)).collect();
    fs::write(path("flag.csv"), format!("a,flag,y\n{rows}")).expect("is written");
    fs::write(path("new.csv"), "a,flag\n10,5\n10,6\n10,1000000\n,5\n").expect("is written");
    let (data, run) = (path("flag.csv"), path("run"));
    let train = ["train", "--model", "linear", "--data", &data, "--missing", "mean", "--epochs", "2"];
    let ended = on_device(&[&train[..], &["--seed", "2", "--out", &run]].concat()).end().with(0);
    assert!(ended.stderr.contains("column flag is 5 on all rows of the training part"), "{ended:?}");
    let judged = on_device(&["eval", &run]).end().with(0).stdout;
    assert!(judged.contains("·a ") && !judged.contains("flag"), "{judged}");
    let file = path("model.onnx");
    wgrad(&["export", &run, "--onnx", &file]).end().with(0);
    wgrad(&["import", &file, "--out", &path("again")]).end().with(0);
    let values = |run: &str| -> Vec<f64> {
        let reported = on_device(&["predict", &path(run), &path("new.csv"), "--json"]).end().with(0).json();
        reported.iter().map(|row| row["value"].as_f64().expect("a number")).collect()
    };
    let (first, again) = (values("run"), values("again"));
    assert_eq!((first[0], first[1], first.len()), (first[1], first[2], 4), "{first:?}");
    assert_eq!(first, again);
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
    wgrad(&["import", &path("words.onnx"), "--out", &path("x")])
        .end()
        .refuses(&["words.onnx", "not an ONNX"]);
    assert!(!Path::new(&path("x")).exists());
    let arguments = ["import", &path("words.onnx"), "--out", &path("x"), "--mean", "0.3"];
    wgrad(&arguments).end().refuses(&["--deviation"]);
    let flat = wgrad_testing::fixture("onnx").join("import/read_flat_4.onnx").display().to_string();
    let shaped = |name: &str, shape: &[&str]| {
        wgrad(&[&["import", &flat, "--out", &path(name), "--input-shape"][..], shape].concat()).end()
    };
    for (n, shape) in [&["1,1,4"][..], &["1", "1", "4"], &["1, 1, 4"], &["1x1x4"]].into_iter().enumerate() {
        shaped(&format!("shaped-{n}"), shape).with(0);
    }
    shaped("x", &["1,1"]).refuses(&["expected three numbers"]);
    shaped("x", &["1,1,5"]).refuses(&["5 numbers"]);
    shaped("x", &["28,zwei,1"]).refuses(&["28,28,1"]);
    fs::write(path("net.h5"), b"\x89HDF\r\n\x1a\n and more").expect("writes");
    wgrad(&["import", &path("net.h5"), "--out", &path("x")]).end().refuses(&["HDF5", "tf2onnx"]);
    wgrad(&["import", &path("run"), "--out", &path("x")]).end().refuses(&["it is a folder"]);
}
