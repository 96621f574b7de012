//! Your own data on the command line: training on them, resuming, evaluating, predicting, describing.

use crate::command::{on_device, wgrad};
use std::{fs, path::Path, sync::OnceLock};
use tempfile::TempDir;

/// A small network for pictures of 32 × 32.
const NETWORK: &str = r#"
input_shape = [32, 32, 3]
layers = [
    { type = "Conv2D", filters = 16, kernel_size = 3, strides = 2, activation = "relu" },
    { type = "Conv2D", filters = 16, kernel_size = 3, strides = 2, activation = "relu" },
    { type = "Flatten" },
    { type = "Dense", units = 2, activation = "softmax" },
]
"#;

/// 600 pictures of which one is damaged, the network, and a run of four epochs with a chunk that is smaller than the images.
struct Shared {
    folder: TempDir,
    stderr: String,
}

impl Shared {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

const TRAINING: [&str; 12] = [
    "--size",
    "32",
    "--batch",
    "32",
    "--chunk",
    "1",
    "--optimizer",
    "adam",
    "--lr",
    "0.005",
    "--normalize",
    "--fit",
];

fn train(shared: &Shared, more: &[&str]) -> crate::command::Ended {
    let (data, model) = (shared.path("pictures"), shared.path("network.toml"));
    let own = ["train", "--data", &data, "--model", &model];
    on_device(&[&own[..], &TRAINING, &["stretch"], more].concat()).end()
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let mut shared = Shared { folder: tempfile::tempdir().expect("a folder"), stderr: String::new() };
        let folder = shared.folder.path().join("pictures");
        wgrad_testing::pictures::folder(&folder, 600, [40, 90]);
        let png = folder.join("train/stripes/00005.png");
        let bytes = fs::read(&png).expect("a PNG file");
        fs::write(&png, &bytes[..bytes.len() / 2]).expect("written");
        fs::write(shared.folder.path().join("network.toml"), NETWORK).expect("written");
        // 480 images of 3 KiB, and one MiB at once.
        let run = shared.path("run");
        shared.stderr = train(&shared, &["--epochs", "4", "--out", &run]).with(0).stderr;
        shared
    })
}

fn read(path: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).expect("there")).expect("JSON")
}

#[test]
fn a_network_learns_from_a_folder_of_pictures() {
    let shared = shared();
    let run = wgrad_run::Run::open(Path::new(&shared.path("run"))).expect("a run");
    let last = *run.metrics().expect("metrics").last().expect("epochs");
    assert!(last.test_accuracy > 0.95, "{last:?}");
    assert!(shared.stderr.contains("peak memory: ") || !cfg!(target_os = "linux"), "{}", shared.stderr);
    // The damaged file is reported, and named in the run's folder.
    assert!(shared.stderr.contains("1 file that could not be read"), "{}", shared.stderr);
    let list = fs::read_to_string(shared.path("run/unreadable.txt")).expect("a list");
    assert!(list.lines().count() == 1 && list.contains("00005.png"), "{list}");
    // The preparation of an image is recorded where another program finds it.
    let data = &read(&shared.path("run/run.json"))["data"];
    assert_eq!(data["normalization"]["mean"].as_array().map(Vec::len), Some(3), "{data}");
    assert_eq!(data["preparation"]["fit"], "stretch");
    assert_eq!(data["classes"][1], "stripes");
}

#[test]
fn a_training_on_few_pictures_says_what_it_chose() {
    let shared = shared();
    let (data, out) = (shared.path("pictures"), shared.path("plain"));
    let line = ["train", "--data", &data, "--out", &out, "--max-time", "1s"];
    let ended = on_device(&line).end();
    let said = &ended.stderr;
    for words in
        ["many sizes", "480 images are few: training with adam in batches of 24 for 50 epochs", "`cnn`"]
    {
        assert!(said.contains(words), "no {words} in {said}");
    }
    let config = read(&shared.path("plain/run.json"));
    assert_eq!(config["model"]["name"], "cnn", "{config}");
    assert!(config["options"]["optimizer"].to_string().contains("adam"), "{}", config["options"]);
    let found = on_device(&["lr-find", "--data", &data, "--steps", "20", "--batch", "8"]).end();
    assert!(found.stderr.contains("`cnn`"), "{}", found.stderr);
    // What is said is taken.
    let out = shared.path("said");
    let own =
        ["mlp", "--data", &data, "--out", &out, "--optimizer", "sgd", "--epochs", "1", "--max-time", "1s"];
    let said = on_device(&[&["train"], &own[..]].concat()).end().stderr;
    assert!(said.contains("model: mlp") && !said.contains("are few"), "{said}");
}

#[test]
fn a_run_on_pictures_goes_on_to_the_same_bits_and_is_judged_by_its_numbers() {
    let shared = shared();
    let again = shared.path("again");
    train(shared, &["--epochs", "2", "--out", &again]).with(0);
    on_device(&["train", "--resume", &again, "--epochs", "4", "--chunk", "2"]).end().with(0);
    let weights = |run: &str| fs::read(shared.path(run) + "/last.safetensors").expect("weights");
    assert!(weights("run") == weights("again"), "a resumed run has other weights");
    let ended = on_device(&["eval", &shared.path("run"), "--last"]).end().with(0);
    assert!(ended.stderr.contains("to the bit"), "{ended:#?}");
}

#[test]
fn predict_prepares_a_picture_as_training_did() {
    let shared = shared();
    let picture = |class: &str, name: &str| shared.path(&format!("pictures/test/{class}/{name}"));
    let all = [picture("balls", "00008.jpg"), picture("stripes", "00009.jpg")];
    let (run, [ball, stripes]) = (shared.path("run"), &all);
    let found = on_device(&["predict", &run, ball, stripes, "--json", "--last"]).end().with(0).json();
    assert_eq!((&found[0]["class"], &found[1]["class"]), (&"balls".into(), &"stripes".into()), "{found:?}");
    assert!(found[0]["notes"][0].as_str().is_some_and(|note| note.contains("stretch")), "{found:?}");
}

#[test]
fn info_shows_and_bench_know_a_folder_of_pictures() {
    let shared = shared();
    let data = shared.path("pictures");
    let found = wgrad(&["data", "info", &data, "--size", "32", "--json"]).end().with(0).json().remove(0);
    assert_eq!(
        (&found["kind"], &found["train"], &found["test"]),
        (&"pictures".into(), &480.into(), &120.into())
    );
    assert_eq!(found["classes"][0]["train"], 240, "{found}");
    assert_eq!(found["broken"].as_array().map(Vec::len), Some(1), "{found}");
    assert!(found["sizes"]["min"][0].as_u64() >= Some(40) && found["mean"][2].is_number(), "{found}");
    let text = wgrad(&["data", "info", "--data", &data, "--size", "32"]).end().with(0).stdout;
    assert!(text.contains("1 file cannot be read") && text.contains("deviation"), "{text}");
    let sheet = shared.path("sheet.png");
    wgrad(&["data", "show", &data, "--size", "32", "--out", &sheet]).end().with(0);
    assert!(image::open(&sheet).expect("a picture").width() > 300);
    let model = shared.path("network.toml");
    let bench =
        ["bench", &model, "--data", &data, "--size", "32", "--seconds", "0.2", "--batch", "32", "--json"];
    let ended = on_device(&bench).end().with(0);
    let report = ended.json().remove(0);
    for key in ["images_per_second", "decoder_images_per_second", "device_images_per_second"] {
        assert!(report[key].as_f64() > Some(0.0), "{key}: {report}");
    }
    assert!(ended.stderr.contains("decoding alone"), "{}", ended.stderr);
}

/// Rows whose kind follows from their numbers, and a price that is 500 + 30 a + 20 b.
fn table(folder: &Path) -> [String; 2] {
    let mut flowers = "length,colour,kind\n".to_string();
    let mut prices = "a,b,price\n".to_string();
    for n in 0..240 {
        let (length, a, b) = (n * 7 % 50, n * 11 % 17, n * 5 % 13);
        let (colour, kind) = if length < 25 { ("red", "rose") } else { ("blue", "iris") };
        flowers += &format!("{length},{},{kind}\n", if n % 5 == 0 { "white" } else { colour });
        prices += &format!("{a},{b},{}\n", 500 + 30 * a + 20 * b);
    }
    let write = |name: &str, text: String| {
        fs::write(folder.join(name), text).expect("written");
        folder.join(name).display().to_string()
    };
    [write("flowers.csv", flowers), write("prices.csv", prices)]
}

#[test]
fn tables_are_trained_on_judged_and_predicted() {
    let folder = tempfile::tempdir().expect("a folder");
    let [flowers, prices] = table(folder.path());
    let run = |name: &str| folder.path().join(name).display().to_string();
    let options = ["--epochs", "30", "--batch", "16", "--optimizer", "adam", "--lr", "0.01"];
    let train = |arguments: &[&str]| on_device(&[&["train"], arguments, &options].concat()).end().with(0);
    let ended = train(&["--data", &flowers, "--model", "mlp", "--out", &run("kinds")]);
    assert!(ended.stderr.contains("the label is the column kind"), "{ended:#?}");
    let found = on_device(&["eval", &run("kinds"), "--json"]).end().with(0).json().remove(0);
    assert!(found["accuracy"].as_f64() > Some(0.95), "{found}");
    // Rows of another file: their columns in another order, and no label.
    let rows = folder.path().join("new.csv");
    fs::write(&rows, "colour,length\nred,3\nblue,45\n").expect("written");
    let rows = rows.display().to_string();
    let reported = on_device(&["predict", &run("kinds"), &rows, "--json"]).end().with(0).json();
    assert_eq!(
        (&reported[0]["class"], &reported[1]["class"]),
        (&"rose".into(), &"iris".into()),
        "{reported:?}"
    );

    // A number is predicted in its own unit.
    train(&["--data", &prices, "--label", "price", "--model", "linear", "--out", &run("prices")]);
    let found = on_device(&["eval", &run("prices"), "--json"]).end().with(0).json().remove(0);
    assert!(
        found["mean_absolute_error"].as_f64() < Some(8.0) && found["r2"].as_f64() > Some(0.99),
        "{found}"
    );
    let rows = folder.path().join("new.csv");
    fs::write(&rows, "a,b\n10,10\n").expect("written");
    let rows = rows.display().to_string();
    let reported = on_device(&["predict", &run("prices"), &rows, "--json", "--last"]).end().with(0).json();
    assert!((reported[0]["value"].as_f64().expect("a number") - 1000.0).abs() < 30.0, "{reported:?}");
    // The data of a run go on as they were.
    let all = on_device(&["train", "--resume", &run("prices"), "--epochs", "31"]).end().with(0);
    assert!(all.stderr.contains("240") || all.stderr.contains("192 training"), "{all:#?}");
}

/// Commands that read the weights of a run by its `run.json`, each with its arguments.
fn readers<'a>(run: &'a str, rows: &'a str, file: &'a str) -> [Vec<&'a str>; 5] {
    [
        vec!["predict", run, rows],
        vec!["predict", run, rows, "--last"],
        vec!["eval", run],
        vec!["export", run, "--onnx", file],
        vec!["train", "--resume", run, "--epochs", "2"],
    ]
}

#[test]
fn weights_are_not_read_by_what_was_changed_in_a_run_json() {
    use serde_json::json;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [flowers, _] = table(folder.path());
    let (run, rows, file) = (path("run"), path("new.csv"), path("net.onnx"));
    on_device(&["train", "--data", &flowers, "--model", "linear", "--epochs", "1", "--out", &run])
        .end()
        .with(0);
    fs::write(&rows, "colour,length\nred,3\n").expect("written");
    let config = path("run/run.json");
    let whole = fs::read_to_string(&config).expect("there");
    let changes = [
        (
            "/data/table/columns/0/number/mean",
            json!(7.5),
            "`data.table.columns[0].number.mean` is 7.5, it was",
        ),
        (
            "/data/classes",
            json!(["rose", "iris"]),
            "`data.classes[0]` is \"rose\", it was trained with \"iris\"",
        ),
        (
            "/model/layers/1/kernel_initializer",
            json!("zeros"),
            "`model.layers[1].kernel_initializer` is \"zeros\", it was",
        ),
    ];
    for (at, value, words) in changes {
        let mut edited: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
        *edited.pointer_mut(at).unwrap_or_else(|| panic!("no {at} in {whole}")) = value;
        fs::write(&config, edited.to_string()).expect("written");
        for reader in readers(&run, &rows, &file) {
            on_device(&reader).end().refuses(&[words, "run.json", "put it back"]);
        }
        assert!(!Path::new(&file).exists(), "{at}");
    }
    // Fields that say nothing about the weights may change.
    let mut free: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    free["options"]["epochs"] = json!(2);
    free["data"]["name"] = json!("other");
    fs::write(&config, free.to_string()).expect("written");
    for reader in readers(&run, &rows, &file) {
        on_device(&reader).end().with(0);
    }
}

#[test]
fn what_is_not_finite_is_reported_by_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows: String = (0..80).map(|n| ["0,no\n", "0.5,yes\n"][n % 2]).collect();
    fs::write(path("rows.csv"), format!("x,y\n{rows}")).expect("written");
    let (data, run, new) = (path("rows.csv"), path("run"), path("new.csv"));
    let arguments =
        ["train", "--data", &data, "--model", "linear", "--epochs", "30", "--batch", "8", "--lr", "1"];
    on_device(&[&arguments[..], &["--out", &run]].concat()).end().with(0);
    // Finite, and not once it is standardised; and finite up to the network's last layer.
    let beyond = "line 2: column x is \"3.4e38\", expected a number that f32 holds when it is standardised";
    for (value, reported, judged) in
        [("3.4e38", beyond, beyond), ("8e37", "new.csv:2: the network's output is NaN", "row 0 (from 0)")]
    {
        fs::write(&new, format!("x,y\n{value},yes\n0.5,yes\n")).expect("written");
        for json in [&[][..], &["--json"]] {
            on_device(&[&["predict", &run, &new], json].concat()).end().refuses(&[reported]);
            on_device(&[&["eval", &run, "--data", &new], json].concat()).end().refuses(&[judged]);
        }
    }
}

/// Unix seconds: f32 holds one in 128 of them.
#[test]
fn a_column_that_f32_cannot_hold_is_not_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, offset, deviation) in [("seconds", 1_700_000_000u64, 1), ("years", 2000, 1), ("zeros", 0, 40)]
    {
        let rows: String = (0..80).map(|n| format!("{},{}\n", offset + deviation * n, n)).collect();
        let (data, run, file) = (path(&format!("{name}.csv")), path(name), path(&format!("{name}.onnx")));
        fs::write(&data, format!("t,y\n{rows}")).expect("written");
        let arguments =
            ["train", "--data", &data, "--target", "number", "--model", "linear", "--epochs", "1"];
        on_device(&[&arguments[..], &["--out", &run]].concat()).end().with(0);
        let ended = on_device(&["export", &run, "--onnx", &file]).end();
        match name {
            "seconds" => {
                ended.refuses(&["column t has mean 17000000", "subtract an offset such as 17000000"])
            }
            _ => drop(ended.with(0)),
        }
        assert_eq!(Path::new(&file).exists(), name != "seconds");
    }
}

#[test]
fn a_competition_and_rows_of_pixels_are_trained_on_and_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let put = |name: &str, first: &str, row: &dyn Fn(usize) -> String| {
        let rows = (0..40).fold(format!("{first}\n"), |text, n| text + &row(n) + "\n");
        fs::create_dir_all(folder.path().join(name).parent().expect("a folder")).expect("made");
        fs::write(folder.path().join(name), rows).expect("written");
    };
    let train = |data: &str, model: &str, out: &str| {
        let ended = on_device(&[
            "train",
            "--data",
            &path(data),
            "--model",
            model,
            "--epochs",
            "1",
            "--out",
            &path(out),
        ]);
        ended.end().with(0)
    };
    put("comp/train.csv", "size,kind", &|n| format!("{n},{}", ["no", "yes"][n % 2]));
    put("comp/test.csv", "size", &|n| if n == 3 { "-".into() } else { n.to_string() });
    let ended = train("comp", "linear", "comp-run");
    assert!(ended.stderr.contains("test.csv has no labels"), "{}", ended.stderr);
    // The training had no missing values; `predict --missing` decides about them.
    let test = path("comp/test.csv");
    on_device(&["predict", &path("comp-run"), &test]).end().refuses(&["line 5 (size)", "--missing mean"]);
    let reported =
        on_device(&["predict", &path("comp-run"), &test, "--missing", "mean", "--json"]).end().with(0).json();
    assert_eq!((reported.len(), &reported[39]["line"]), (40, &41.into()));

    let pixels =
        |n: usize| (0..784).map(|pixel| ((n + pixel) % 256).to_string()).collect::<Vec<_>>().join(",");
    let names = (0..784).map(|pixel| format!("pixel{pixel}")).collect::<Vec<_>>().join(",");
    put("rows/mnist_train.csv", &format!("label,{names}"), &|n| format!("{},{}", n % 10, pixels(n)));
    put("rows/mnist_test.csv", &format!("label,{names}"), &|n| format!("{},{}", n % 10, pixels(n)));
    put("bare.csv", &names, &pixels);
    let ended = train("rows", "linear", "rows-run");
    assert!(ended.stderr.contains("picture of 28×28×1"), "{}", ended.stderr);
    let reported = |file: &str| {
        let reported = on_device(&["predict", &path("rows-run"), &path(file), "--json"]).end().with(0).json();
        reported.into_iter().map(|line| (line["line"].clone(), line["class"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(reported("bare.csv"), reported("rows/mnist_test.csv"));
    let found = on_device(&["eval", &path("rows-run"), "--data", &path("rows/mnist_test.csv"), "--json"]);
    assert_eq!(found.end().with(0).json()[0]["images"], 40);
}

#[test]
fn other_kinds_are_trained_on() {
    let train = |data: &str, more: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("run").display().to_string();
        let common =
            ["train", "--data", data, "--epochs", "1", "--batch", "4", "--lr", "0.001", "--out", &out];
        on_device(&[&common, more].concat()).end().with(0)
    };
    let [bytes, floats] =
        ["arrays.npz", "arrays_floats.npz"].map(|name| wgrad_testing::fixture(name).display().to_string());
    train(&bytes, &["--model", "linear", "--normalize"]);
    let ended = train(&floats, &["--model", "mlp", "--normalize", "--augment", "flip,shift=1"]);
    assert!(ended.stdout.contains("test RMSE"), "numbers call for it: {ended:#?}");
    let refuses = |arguments: &[&str], words: &[&str]| {
        on_device(&[&["train"], arguments].concat()).end().refuses(words)
    };
    refuses(
        &["--data", &floats, "--augment", "contrast"],
        &["brightness, contrast and erase", "unsigned bytes"],
    );
    refuses(&["--data", &bytes, "--size", "0"], &["--size", "96x128"]);
    refuses(&["--data", &floats, "--loss", "softmax_cross_entropy"], &["label 1.5", "--target number"]);
    let check = ["check", "mlp", "--data", &floats, "--batch", "4", "--json"];
    let found = on_device(&check).end().with(0).json();
    assert!(found.len() > 10 && found.iter().all(|line| line["ok"] == true));
}

#[test]
fn a_line_is_fitted_and_read_in_its_own_units() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows: String = (0..60).map(|n| format!("{},{}\n", n, 3 * n + 2)).collect();
    fs::write(path("line.csv"), format!("x,y\n{rows}")).expect("written");
    let ended =
        on_device(&["train", "--model", "linear", "--data", &path("line.csv"), "--out", &path("run")]);
    let ended = ended.end().with(0);
    assert!(ended.stdout.contains("\ny = 3.00·x + 2.00\n"), "{ended:#?}");
    assert!(ended.stdout.contains("RMSE ") && ended.stderr.contains(" rows/s"), "{ended:#?}");
    let all = format!("{}{}", ended.stdout, ended.stderr);
    for wrong in ["accuracy", "images", "confusion", "--augment"] {
        assert!(!all.contains(wrong), "{wrong}: {all}");
    }
    let text = on_device(&["eval", &path("run")]).end().with(0);
    assert!(
        text.stdout.contains("y = 3.00·x + 2.00") && text.stdout.contains(" of 12 test rows"),
        "{text:#?}"
    );
    let found = on_device(&["eval", &path("run"), "--json"]).end().with(0).json().remove(0);
    assert!((found["formula"]["constant"].as_f64().expect("b") - 2.0).abs() < 0.01, "{found}");
    let page = path("report.html");
    on_device(&["report", &path("run"), "--out", &page]).end().with(0);
    let html = fs::read_to_string(&page).expect("a page");
    for there in ["y = 3.00·x + 2.00", "Predicted over actual", "Residuals over predicted", "RMSE", "rows/s"]
    {
        assert!(html.contains(there), "{there}");
    }
    for wrong in ["Confusion", "Saliency", "Accuracy", "test images", "Kernels of the first layer"] {
        assert!(!html.contains(wrong), "{wrong}");
    }
}

#[test]
fn long_words_do_not_make_a_table_wide() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, word) = (folder.path().join("long.csv"), "w".repeat(100_000));
    let rows: String = (0..40).map(|n| format!("{n},{},{}\n", ["a", &word][n % 2], n % 2)).collect();
    fs::write(&file, format!("x,{word},label\n{rows}")).expect("written");
    let ended = wgrad(&["data", "info", &file.display().to_string()]).end().with(0);
    assert!(ended.stdout.contains(&format!("a, {}…", "w".repeat(39))), "{}", ended.stdout.len());
    assert!(ended.stdout.lines().all(|line| line.chars().count() < 200), "{}", ended.stdout.len());
    assert!(ended.stderr.len() < 4000, "{}", ended.stderr.len());
}

#[test]
fn a_run_is_not_judged_by_rows_that_it_was_trained_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows = |from: usize, to: usize| -> String {
        (from..to).map(|n| format!("{},{},{}\n", n % 97, n * 7 % 31, 2 * (n % 97) + n * 7 % 31)).collect()
    };
    let head = "a,b,y\n";
    fs::write(path("all.csv"), format!("{head}{}", rows(0, 100))).expect("written");
    fs::write(path("new.csv"), format!("{head}{}", rows(200, 240))).expect("written");
    fs::write(path("part.csv"), format!("{head}{}{}", rows(0, 30), rows(200, 210))).expect("written");
    let options = ["--epochs", "3", "--batch", "16", "--out"];
    let train = ["train", "--model", "linear", "--data", &path("all.csv")];
    let run = path("run");
    on_device(&[&train[..], &options, &[run.as_str()]].concat()).end().with(0);
    let eval = |more: &[&str]| {
        let ended = on_device(&[&["eval", run.as_str()][..], more].concat()).end().with(0);
        let json =
            on_device(&[&["eval", run.as_str(), "--json"][..], more].concat()).end().with(0).json().remove(0);
        (ended.stderr, json)
    };
    let (words, own) = eval(&[]);
    assert!(words.contains("evaluated on the 20 test rows that this run held out"), "{words}");
    // The file that it was trained on, and a copy of it.
    fs::copy(path("all.csv"), path("copy.csv")).expect("copied");
    for file in ["all.csv", "copy.csv"] {
        let (words, same) = eval(&["--data", &path(file)]);
        assert!(words.contains("evaluated on the 20 test rows that this run held out"), "{words}");
        assert_eq!((&same["loss"], &same["images"]), (&own["loss"], &own["images"]), "{same}");
    }
    let (words, all) = eval(&["--all"]);
    assert!(words.contains("all 100 rows of all, 80 of which this run was trained on"), "{words}");
    assert_eq!((&all["images"], &all["split"]), (&100.into(), &"all".into()));
    let (words, new) = eval(&["--data", &path("new.csv")]);
    assert!(words.contains("evaluated on all 40 rows of "), "{words}");
    assert!(words.contains("not this run's own data, none of them the same as one that"), "{words}");
    assert_eq!((&new["images"], &new["trained_on"]), (&40.into(), &0.into()), "{new}");
    let (words, part) = eval(&["--data", &path("part.csv")]);
    let leaked = part["trained_on"].as_u64().expect("a number");
    assert!((15..=30).contains(&leaked) && part["images"] == 40, "{part}");
    assert!(words.contains(&format!("warning: {leaked} of these 40 rows")), "{words}");
    // Its rows in another order, under another name, with other ends of lines.
    let rows = rows(0, 100);
    let mut lines: Vec<&str> = rows.lines().rev().collect();
    lines.rotate_left(31);
    fs::write(path("other.csv"), format!("a,b,y\r\n{}\r\n", lines.join("\r\n"))).expect("written");
    let (words, other) = eval(&["--data", &path("other.csv")]);
    assert_eq!((&other["images"], &other["trained_on"]), (&100.into(), &80.into()), "{other}");
    assert!(words.contains("warning: 80 of these 100 rows are among those"), "{words}");
    assert!(!words.contains("held out") && !words.contains("none of"), "{words}");
    // Its own file with one more row: it is unknown which rows it was trained on.
    fs::write(path("all.csv"), format!("{head}{rows}5,5,15\n")).expect("written");
    let unknown = ["some of the 101 rows that", "it is not known on which", "`--all` to evaluate all 101"];
    // Named on the command line, by any path, it is the same file.
    let around = folder.path().join(".").join("all.csv").display().to_string();
    for more in [&[][..], &["--data", &path("all.csv")], &["--data", &around]] {
        on_device(&[&["eval", run.as_str()], more].concat()).end().refuses(&unknown);
    }
    let (words, grown) = eval(&["--all"]);
    assert!(words.contains("is not known") && grown["images"] == 101, "{words}");
    fs::write(path("all.csv"), format!("{head}{rows}")).expect("written");
    // Rows are no pictures, and have no mirror image.
    wgrad(&["data", "show", &path("all.csv")])
        .end()
        .refuses(&["all holds rows of a table", "wgrad data info"]);
    on_device(&[&train[..], &["--augment", "flip"]].concat())
        .end()
        .refuses(&["--augment", "all holds rows of a table"]);
    on_device(&["eval", run.as_str(), "--tta"]).end().refuses(&[
        "--tta",
        "rows of all have none",
        "leave it out",
    ]);
}

#[test]
fn pictures_of_other_folders_are_judged_at_the_size_and_by_the_classes_of_the_run() {
    let shared = shared();
    let folder = tempfile::tempdir().expect("a folder");
    // The same classes in folders of their own, without a test part; one class stands before both of the run's.
    for (class, name) in [("stripes", "00009.jpg"), ("balls", "00008.jpg")] {
        let to = folder.path().join("more").join(class);
        fs::create_dir_all(&to).expect("made");
        for n in 0..3 {
            let from = shared.path(&format!("pictures/test/{class}/{name}"));
            fs::copy(from, to.join(format!("{n}.jpg"))).expect("copied");
        }
    }
    let more = folder.path().join("more");
    let text = on_device(&["eval", &shared.path("run"), "--data", &more.display().to_string()]).end().with(0);
    assert!(text.stderr.contains("evaluated on all 6 images of "), "{text:#?}");
    assert!(text.stdout.contains("100.00 %"), "{text:#?}");
    // Only one class: its number is the run's own, not the first.
    fs::remove_dir_all(more.join("balls")).expect("removed");
    fs::create_dir_all(more.join("cats")).expect("made");
    fs::copy(more.join("stripes/0.jpg"), more.join("cats/0.jpg")).expect("copied");
    let ended = on_device(&["eval", &shared.path("run"), "--data", &more.display().to_string()]).end();
    ended.refuses(&["classes cats, stripes", "balls, stripes"]);
}

#[test]
fn data_sets_with_a_name_are_listed_and_fetched_from_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let listed = wgrad(&["data", "list", "--json"]).env("XDG_CACHE_HOME", &cache).end();
    let said = listed.json();
    let names: Vec<&str> =
        said[0]["sets"].as_array().expect("a list").iter().filter_map(|s| s["name"].as_str()).collect();
    assert!(
        names.starts_with(&["fashion-mnist", "synthetic", "mnist"]) && names.ends_with(&["imdb"]),
        "{names:?}"
    );
    let text = wgrad(&["data", "list"]).env("XDG_CACHE_HOME", &cache).end();
    assert!(text.stdout.contains("cifar10") && text.stdout.contains("--maxlen"), "{}", text.stdout);
    // A file that is not the published one is refused, and nothing is unpacked.
    let downloads = folder.path().join("downloads");
    fs::create_dir(&downloads).expect("a folder");
    fs::write(downloads.join("cifar-10-binary.tar.gz"), b"not CIFAR").expect("written");
    let mirror = downloads.display().to_string();
    let ended = wgrad(&["data", "fetch", "cifar10", "--mirror", &mirror]).env("XDG_CACHE_HOME", &cache).end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("wrong content: got 9 bytes"), "{}", ended.stderr);
    let ended = wgrad(&["data", "info", "cifar10"])
        .env("XDG_CACHE_HOME", &cache)
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("data fetch cifar10` downloads it (171 MB)"), "{}", ended.stderr);
    let ended = wgrad(&["data", "fetch", "synthetic"]).end();
    assert!(ended.stderr.contains("wgrad data list"), "{}", ended.stderr);
}
