//! Losses, augmentation and class weights as a user meets them: two classes by one output, several outputs, numbers instead of
//! classes, mirror images at evaluation, a resumed run, bad input.

use crate::command::{on_device, small_data_argument, wgrad};
use serde_json::Value;
use std::{fs, io::Write, path::Path};
use wgrad_data::idx::{self, Packing};

/// A folder with two classes: bright above, and bright below. 96 training and 40 test images of 6×5.
fn two_classes(folder: &Path) -> String {
    let mut n = 0u32;
    let mut images = |count: usize| -> (Vec<u8>, Vec<u8>) {
        let mut bytes = Vec::new();
        let labels: Vec<u8> = (0..count).map(|i| (i % 2) as u8).collect();
        for label in &labels {
            for pixel in 0..30 {
                n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let bright = (pixel < 15) == (*label == 0);
                bytes.push((n >> 26) as u8 + if bright { 120 } else { 0 });
            }
        }
        (bytes, labels)
    };
    for (name, count) in [("train", 96), ("t10k", 40)] {
        let (bytes, labels) = images(count);
        let put = |file: &str, shape: &[usize], data: &[u8]| {
            idx::write(&folder.join(format!("{name}-{file}")), shape, data, Packing::Plain).expect("writes");
        };
        put("images-idx3-ubyte", &[count, 6, 5], &bytes);
        put("labels-idx1-ubyte", &[count], &labels);
    }
    folder.display().to_string()
}

fn last_metrics(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    serde_json::from_str(text.lines().last().expect("a line")).expect("JSON")
}

/// A picture that is bright above, or below. `predict` decides which of the two is inverted.
fn picture(path: &Path, above: bool) {
    let image =
        image::GrayImage::from_fn(5, 6, |_, y| image::Luma([if (y < 3) == above { 200 } else { 20 }]));
    image.save(path).expect("writes");
}

#[test]
fn one_output_tells_two_classes() {
    let tmp = tempfile::tempdir().expect("a folder");
    let data = two_classes(tmp.path());
    let model = tmp.path().join("one.toml");
    let layers =
        "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 1\nactivation = \"sigmoid\"\n";
    fs::write(&model, format!("input_shape = [6, 5, 1]\n{layers}")).expect("writes");
    let run = tmp.path().join("run");
    let (model, run_text) = (model.display().to_string(), run.display().to_string());
    let arguments =
        ["train", "--data", &data, "--model", &model, "--batch", "16", "--epochs", "4", "--out", &run_text];
    on_device(&arguments).end().with(0);
    let ended = on_device(&["eval", &run_text, "--json"]).end().with(0);
    let found = &ended.json()[0];
    assert!(found["accuracy"].as_f64().expect("a number") > 0.95, "{found}");
    // To the bit what the run recorded, and the matrix of the two classes agrees with it.
    assert_eq!(found["loss"], found["recorded"]["loss"], "{found}");
    assert_eq!(found["r2"], Value::Null);
    let confusion: Vec<Vec<u64>> = serde_json::from_value(found["confusion"].clone()).expect("a matrix");
    let right = (confusion[0][0] + confusion[1][1]) as f64 / 40.0;
    assert!((right - found["accuracy"].as_f64().expect("a number")).abs() < 1e-6, "{found}");

    let png = tmp.path().join("bright-above.png");
    picture(&png, true);
    let ended = on_device(&["predict", &run_text, &png.display().to_string(), "--json"]).end().with(0);
    let reported = &ended.json()[0];
    assert_eq!(reported["top"].as_array().map(Vec::len), Some(2), "{reported}");
    let sum: f64 = (0..2).map(|n| reported["top"][n]["probability"].as_f64().expect("a number")).sum();
    assert!((sum - 1.0).abs() < 1e-6 && reported["probability"].as_f64() > Some(0.5), "{reported}");

    // The built-in networks get the last layer that the loss takes.
    let out = tmp.path().join("built-in").display().to_string();
    let built_in = ["--model", "mlp", "--loss", "binary_crossentropy", "--batch", "16", "--epochs", "1"];
    on_device(&[&["train", "--data", &data, "--out", &out][..], &built_in].concat()).end().with(0);
}

#[test]
fn a_regression_tells_numbers() {
    let tmp = tempfile::tempdir().expect("a folder");
    let data = two_classes(tmp.path());
    for loss in ["mse", "mae", "huber=0.5"] {
        let run = tmp.path().join(loss);
        let run_text = run.display().to_string();
        let arguments = [
            "train", "--data", &data, "--model", "linear", "--loss", loss, "--lr", "0.02", "--batch", "16",
            "--epochs", "8", "--out", &run_text,
        ];
        // Class numbers are not labels of a regression, unless `--target number` is given.
        on_device(&arguments).end().refuses(&["compares numbers", "2 classes", "--target number"]);
        let arguments = [&arguments[..], &["--target", "number"]].concat();
        let ended = on_device(&arguments).end().with(0);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("accuracy"), "{ended:#?}");
        assert!(
            ended.stderr.contains(" - test_rmse 0.") && ended.stderr.contains(" - test_r2 0."),
            "{ended:#?}"
        );
        let line = last_metrics(&run);
        assert!(line["test_accuracy"].is_null() && line["test_mae"].is_number(), "{line}");
        let found = &on_device(&["eval", &run_text, "--json"]).end().with(0).json()[0];
        assert!(found["r2"].as_f64().expect("R²") > 0.6, "{loss}: {found}");
        assert!(found["mean_absolute_error"].as_f64().expect("MAE") < 0.35, "{loss}: {found}");
        // The evaluation finds the numbers that the training printed.
        for (reported, key) in
            [("test_mae", "mean_absolute_error"), ("test_rmse", "root_mean_squared_error"), ("test_r2", "r2")]
        {
            let best = &on_device(&["eval", &run_text, "--json", "--last"]).end().with(0).json()[0];
            let (reported, found) =
                (line[reported].as_f64().expect("a number"), best[key].as_f64().expect("a number"));
            assert!((reported - found).abs() < 1e-9, "{key}: {reported} and {found}");
        }
        assert!(found["accuracy"].is_null(), "{found}");
        assert_eq!(
            (&found["confusion"], &found["classes"]),
            (&Value::from(Vec::<u8>::new()), &Value::from(Vec::<u8>::new()))
        );
        assert_eq!(found["loss"], found["recorded"]["loss"], "{found}");
        if loss == "mae" {
            let (mae, mean) = (found["mean_absolute_error"].as_f64(), found["loss"].as_f64());
            assert!((mae.expect("MAE") - mean.expect("loss")).abs() < 1e-5, "{found}");
        }
        let table = on_device(&["eval", &run_text]).end().with(0).stdout;
        assert!(table.contains("MAE ") && table.contains("R² ") && table.contains("RMSE "), "{table}");
        assert!(!table.contains("Confusion") && !table.contains("rounded"), "{table}");
        let [above, below] = [true, false].map(|above| {
            let png = tmp.path().join("half.png");
            picture(&png, above);
            let arguments = ["predict", &run_text, &png.display().to_string(), "--json"];
            on_device(&arguments).end().with(0).json()[0]["value"].as_f64().expect("a number")
        });
        assert!((above - below).abs() > 0.5, "{loss}: {above} and {below}, of opposite pictures");
    }
}

#[test]
fn an_augmented_run_records_and_resumes_what_it_began_with() {
    let tmp = tempfile::tempdir().expect("a folder");
    let data = small_data_argument();
    let train = |name: &str, epochs: &str| {
        let out = tmp.path().join(name).display().to_string();
        let augment = "flip,shift=2,rotate=10,erase=0.25,mixup=0.2";
        let arguments = [
            "train",
            "--data",
            &data,
            "--batch",
            "32",
            "--epochs",
            epochs,
            "--out",
            &out,
            "--augment",
            augment,
            "--label-smoothing",
            "0.1",
            "--class-weight",
            "balanced",
        ];
        on_device(&arguments).end().with(0);
        out
    };
    let (whole, parts) = (train("whole", "2"), train("parts", "1"));
    on_device(&["train", "--resume", &parts, "--epochs", "2"]).end().with(0);
    let bytes = |run: &str| fs::read(Path::new(run).join("last.safetensors")).expect("weights");
    assert!(bytes(&whole) == bytes(&parts), "the resumed run has other weights");
    let config: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(&whole).join("run.json")).expect("run.json"))
            .expect("JSON");
    let objective = &config["options"]["objective"];
    assert_eq!(objective["augment"]["shift"], 2, "{objective}");
    assert_eq!(objective["label_smoothing"], 0.1, "{objective}");
    assert_eq!(objective["class_weight"].as_array().map(Vec::len), Some(10), "{objective}");
    wgrad(&["train", "--resume", &parts, "--augment", "flip"]).end().refuses(&["--augment", "--resume"]);

    // A run from before these options existed opens as the plain run that it was.
    let plain = tmp.path().join("plain").display().to_string();
    on_device(&["train", "--data", &data, "--batch", "32", "--epochs", "1", "--out", &plain]).end().with(0);
    let text = fs::read_to_string(Path::new(&plain).join("run.json")).expect("run.json");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(!text.contains("objective") && recorded["model"]["loss"].is_null(), "{text}");
    on_device(&["train", "--resume", &plain, "--epochs", "2"]).end().with(0);

    // Mirror images: other numbers, that are right for both views.
    let eval = |more: &[&str]| {
        on_device(&[&["eval", &whole, "--json"][..], more].concat()).end().with(0).json()[0].clone()
    };
    let (one, two) = (eval(&[]), eval(&["--tta"]));
    assert_eq!((&one["tta"], &two["tta"]), (&false.into(), &true.into()));
    assert_ne!(one["loss"], two["loss"]);
    let (one, two) = (one["loss"].as_f64().expect("a loss"), two["loss"].as_f64().expect("a loss"));
    assert!(
        (1e-3..0.5).contains(&(one - two).abs()) && one == last_metrics(Path::new(&whole))["test_loss"],
        "{one} {two}"
    );
}

#[test]
fn a_sheet_shows_what_the_network_sees() {
    let tmp = tempfile::tempdir().expect("a folder");
    let data = small_data_argument();
    let sheet = |name: &str, more: &[&str]| {
        let path = tmp.path().join(name).display().to_string();
        let arguments =
            [&["data", "show", "--data", &data, "--per-class", "6", "--out", &path][..], more].concat();
        on_device(&arguments).end().with(0);
        image::open(&path).expect("a picture").to_luma8()
    };
    let plain = sheet("plain.png", &[]);
    let [flipped, again, other] = [("a.png", "1"), ("b.png", "1"), ("c.png", "2")]
        .map(|(name, seed)| sheet(name, &["--augment", "flip,rotate=20,erase", "--seed", seed]));
    assert_eq!(flipped, again, "one seed, two sheets");
    assert_ne!(flipped, other, "the seed changes nothing");
    assert_ne!(plain.into_raw(), flipped.into_raw());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let tmp = tempfile::tempdir().expect("a folder");
    let out = tmp.path().join("run").display().to_string();
    let data = small_data_argument();
    let train =
        |more: &[&str]| on_device(&[&["train", "--data", &data, "--out", &out][..], more].concat()).end();
    train(&["--augment", "flop"]).refuses(&["flop", "shift=2"]);
    train(&["--label-smoothing", "1"]).refuses(&["--label-smoothing", "1", "below 1"]);
    train(&["--loss", "mse"]).refuses(&["mean_squared_error", "10 classes", "--target number"]);
    train(&["--loss", "mae", "--target", "number", "--monitor", "accuracy"])
        .refuses(&["--monitor", "no accuracy"]);
    train(&["--label-smoothing", "0.1", "--loss", "mse", "--target", "number"])
        .refuses(&["--label-smoothing", "mean_squared_error"]);
    let numbers = ["--loss", "mse", "--target", "number"];
    train(&[&numbers[..], &["--class-weight", "balanced"]].concat())
        .refuses(&["--class-weight is for classes", "numbers: leave it out"]);
    train(&[&numbers[..], &["--target-accuracy", "0.9"]].concat()).refuses(&[
        "--target-accuracy",
        "no accuracy",
        "`--patience 5`",
        "`--max-time 10m`",
    ]);
    train(&["--class-weight", "1,2"]).refuses(&["2 for 10 classes"]);
    train(&["--class-weight", "no-such-file"]).refuses(&["no-such-file", "balanced"]);
    train(&["--loss", "l2"]).refuses(&["l2", "huber"]);
    train(&["--loss", "binary_cross_entropy"]).refuses(&["2 classes", "10"]);
    let model = tmp.path().join("m.toml");
    let layers = "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\n";
    for (loss, words) in [("mae", ["10 labels for each image", "units = 1"]), ("l2", ["line 1", "huber"])] {
        fs::write(&model, format!("loss = \"{loss}\"\n{layers}")).expect("writes");
        train(&["--model", &model.display().to_string(), "--target", "number"]).refuses(&words);
    }
    fs::write(&model, "[[layers]]\ntype = \"Dense\"\nunits = 10\n").expect("writes");
    let words = ["784 labels for each image", "[28, 28, 10]", "put a Flatten before"];
    train(&["--model", &model.display().to_string()]).refuses(&words);
    assert!(!Path::new(&out).exists(), "a refused training left a run");
}

/// A file of numpy with arrays of f32.
fn npz(path: &Path, arrays: &[(&str, &[usize], Vec<f32>)]) {
    let mut file = zip::ZipWriter::new(fs::File::create(path).expect("creates"));
    for (name, shape, values) in arrays {
        let shape: String = shape.iter().map(|n| format!("{n},")).collect();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let options = zip::write::SimpleFileOptions::default();
        file.start_file(format!("{name}.npy"), options).expect("begins");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        file.write_all(&bytes).expect("writes");
    }
    file.finish().expect("ends");
}

/// Two outputs: the brightest of three places, and the mean.
const TWO: &str = r#"
name = "two"
input_shape = [4, 4, 1]
[[layers]]
type = "RandomContrast"
factor = 0.1
[[layers]]
type = "Flatten"
name = "flat"
[[layers]]
type = "Dense"
name = "kind"
units = 3
[[layers]]
type = "Dense"
name = "mean"
units = 1
inputs = ["flat"]
[[outputs]]
layer = "kind"
[[outputs]]
layer = "mean"
loss = "mse"
weight = 0.5
"#;

#[test]
fn several_outputs_are_trained_judged_exported_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("two.toml"), TWO).expect("writes");
    let part = |rows: usize, seed: u32| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let kind = (row as u32 * 7 + seed) % 3;
            let values: Vec<f32> = (0..16u32)
                .map(|n| {
                    let noise = (row as u32 * 16 + n + seed).wrapping_mul(2_654_435_761) >> 24;
                    noise as f32 / 512.0 + if n / 5 == kind { 0.5 } else { 0.0 }
                })
                .collect();
            y.extend([kind as f32, values.iter().sum::<f32>() / 16.0]);
            x.extend(values);
        }
        (x, y)
    };
    let ((x, y), (x_test, y_test)) = (part(240, 0), part(60, 5));
    let arrays: [(&str, &[usize], Vec<f32>); 4] = [
        ("x_train", &[240, 4, 4], x),
        ("y_train", &[240, 2], y),
        ("x_test", &[60, 4, 4], x_test),
        ("y_test", &[60, 2], y_test),
    ];
    npz(&folder.path().join("rows.npz"), &arrays);
    let (model, data, run) = (at("two.toml"), at("rows.npz"), at("run"));
    let train = [
        "train",
        "--model",
        &model,
        "--data",
        &data,
        "--target",
        "number",
        "--batch",
        "16",
        "--optimizer",
        "adam",
        "--lr",
        "0.02",
    ];
    let train = |more: &[&str]| on_device(&[&train[..], more].concat()).end();
    let told = train(&["--epochs", "8", "--out", &run]).with(0).stderr;
    assert!(told.contains("report --curves") && told.contains("loss and accuracy of each output"), "{told}");
    let judged = on_device(&["eval", &run, "--json"]).end().with(0).json();
    let outputs = judged[0]["outputs"].as_array().expect("one for each output").clone();
    assert_eq!((&outputs[0]["name"], &outputs[1]["name"]), (&"kind".into(), &"mean".into()), "{judged:?}");
    assert!(outputs[0]["accuracy"].as_f64().is_some_and(|share| share > 0.9), "{judged:?}");
    assert!(outputs[1]["accuracy"].is_null() && outputs[1]["loss"].as_f64() < Some(0.05), "{judged:?}");
    let table = on_device(&["eval", &run]).end().with(0).stdout;
    assert!(table.contains("kind") && table.contains("mean"), "{table}");

    // A run that goes on ends in the same bits.
    let parts = at("parts");
    train(&["--epochs", "3", "--out", &parts]).with(0);
    on_device(&["train", "--resume", &parts, "--epochs", "8"]).end().with(0);
    let last = |run: &str| fs::read(Path::new(run).join("last.safetensors")).expect("a checkpoint");
    assert!(last(&run) == last(&parts), "weights, optimizer state or position differ");

    on_device(&["report", &run, "--curves", "--out", &at("page.html")]).end().with(0);
    let page = fs::read_to_string(at("page.html")).expect("a page");
    assert!(page.contains("kind") && page.contains("mean"), "no outputs on the page");
    on_device(&["export", &run, "--onnx", &at("two.onnx")]).end().with(0);
    let file = fs::read(at("two.onnx")).expect("was written");
    assert!(file.windows(4).any(|bytes| bytes == b"kind"), "no output of that name");
    let told = on_device(&["check", &model, "--batch", "8"]).end().with(0);
    assert!(told.stderr.contains("nothing differs"), "{told:#?}");

    for (arguments, words) in [
        (
            &["train", "--model", &model, "--data", &data, "--target", "number", "--loss", "mse"][..],
            "give them theirs",
        ),
        (&["train", "--model", &model, "--data", &small_data_argument()], "rows of numbers"),
        (&["predict", &run, &at("none.png")], "two has 2: kind, mean"),
    ] {
        let ended = on_device(arguments).end().with(2);
        assert!(ended.stderr.contains(words), "{arguments:?}: {ended:#?}");
    }
}
