//! Bad input to the real binary: each has a message that says what is wrong and what to do, and exit code 2.
//! Leaves out what concerns training.

use crate::command::{on_device, small_data, small_data_argument, wgrad};
use std::path::Path;
use tempfile::TempDir;
use wgrad_data::idx::{self, Packing};
use wgrad_testing::http::{Server, ok, status};

/// A copy of the small data set, to be damaged.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(small_data()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn info(folder: &Path) -> crate::command::Ended {
    wgrad(&["data", "info", "--data", folder.to_str().unwrap()]).end()
}

#[test]
#[cfg(target_os = "linux")]
fn without_an_adapter_it_says_how_to_get_one() {
    let blind = |call: crate::command::Call| {
        let call = call.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent");
        call.env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent")
    };
    let words = ["no adapter matches `vulkan`", "install a Vulkan driver", "mesa-vulkan-drivers"];
    blind(wgrad(&["adapters", "--adapter", "vulkan"])).end().refuses(&words);
    blind(wgrad(&["bench", "linear", "--adapter", "vulkan", "--json"])).end().refuses(&words);
    blind(wgrad(&["adapters"])).end().refuses(&["no adapter matches `best`", "install a Vulkan driver"]);
}

#[test]
fn an_adapter_that_is_not_here_is_refused_with_those_that_are() {
    let words = ["no adapter matches `abacus`", "available: 0: ", " adapters` shows details"];
    wgrad(&["adapters", "--adapter", "abacus"]).end().refuses(&words);
    wgrad(&["bench", "linear", "--adapter", "999"]).end().refuses(&["no adapter matches `999`", "0: "]);
}

#[test]
fn damaged_files_are_named() {
    let folder = copy();
    let labels = folder.path().join("t10k-labels-idx1-ubyte.gz");
    let whole = std::fs::read(&labels).unwrap();
    std::fs::write(&labels, &whole[..whole.len() - 9]).unwrap();
    info(folder.path()).refuses(&[
        "t10k-labels-idx1-ubyte.gz: ",
        "damaged gzip data",
        "fetch the file again",
    ]);

    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    std::fs::write(&labels, &flipped).unwrap();
    info(folder.path()).refuses(&["t10k-labels-idx1-ubyte.gz: ", "damaged gzip data"]);

    // Without gzip, the header reveals a truncated file, and the bytes a flipped magic number.
    std::fs::write(&labels, &whole).unwrap();
    let plain = folder.path().join("t10k-labels-idx1-ubyte");
    let read = idx::read(&labels).unwrap();
    idx::write(&plain, &read.shape, &read.data, Packing::Plain).unwrap();
    let bytes = std::fs::read(&plain).unwrap();
    std::fs::write(&plain, &bytes[..bytes.len() - 1]).unwrap();
    let expected = format!("got {} bytes, expected {}", bytes.len() - 1, bytes.len());
    info(folder.path()).refuses(&["t10k-labels-idx1-ubyte: truncated", &expected]);
    let flipped = [&[bytes[0] ^ 0x40], &bytes[1..]].concat();
    std::fs::write(&plain, flipped).unwrap();
    info(folder.path()).refuses(&["not an IDX file", "40 00 08 01", "expected 00 00"]);
}

#[test]
fn a_label_out_of_range_is_named() {
    let folder = copy();
    let labels = folder.path().join("train-labels-idx1-ubyte.gz");
    let mut read = idx::read(&labels).unwrap();
    read.data[5] = 200;
    idx::write(&labels, &read.shape, &read.data, Packing::Gzip).unwrap();
    info(folder.path()).refuses(&["label 200 at index 5 is out of range", "expected 0 to 9"]);
}

#[test]
fn mnist_in_place_of_fashion_mnist_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    let fill = |first: &[u8], counts: [usize; 10]| {
        let mut labels = first.to_vec();
        for (digit, count) in (0_u8..).zip(counts) {
            let there = first.iter().filter(|&&label| label == digit).count();
            labels.extend(std::iter::repeat_n(digit, count - there));
        }
        labels
    };
    for (part, labels) in [("train", fill(&[5, 0, 4, 1, 9, 2, 1, 3, 1, 4], train)), ("t10k", fill(&[], test))]
    {
        let put = |name: &str, shape: &[usize], data: &[u8]| {
            idx::write(&folder.path().join(format!("{part}-{name}")), shape, data, Packing::Plain).unwrap();
        };
        put("labels-idx1-ubyte", &[labels.len()], &labels);
        put("images-idx3-ubyte", &[labels.len(), 1, 1], &vec![0; labels.len()]);
    }
    let ended = wgrad(&["data", "info", "--json", "--data", folder.path().to_str().unwrap()]).end().with(0);
    assert!(ended.stderr.contains("warning: ") && ended.stderr.contains("this is MNIST"), "{ended:?}");
    let row = &ended.json()[0];
    assert_eq!(row["name"], "MNIST");
    assert_eq!(row["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_data_set_that_is_not_here_is_refused_without_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing");
    let ended = wgrad(&["data", "info"]).env("WGRAD_DATA", &missing).end();
    assert_eq!(ended.stderr.matches("os error").count(), 1, "a cause is told twice: {}", ended.stderr);
    ended.refuses(&["cannot open the folder", "nothing", "check the path given"]);
    wgrad(&["data", "info", "--data", "fashion_mnist"])
        .end()
        .refuses(&["is not known", "expected fashion-mnist"]);
    let empty = info(folder.path());
    empty.refuses(&["the folder is empty", "expected four IDX files"]);
}

#[test]
fn a_download_that_fails_tells_every_mirror() {
    let gone = Server::start(|_, _| status("404 Not Found"));
    let wrong = Server::start(|_, _| ok(b"<html>log in first</html>"));
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let (gone, wrong) = (gone.url(), wrong.url());
    let ended = wgrad(&["data", "fetch", "--into", into, "--mirror", &gone, "--mirror", &wrong]).end();
    ended.refuses(&["cannot download train-images-idx3-ubyte.gz", &gone, "404", &wrong, "--data synthetic"]);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == ".download.lock"), "rubbish is left: {left:?}");
}

#[test]
fn a_contact_sheet_of_nothing_is_refused() {
    let data = small_data_argument();
    let show = |options: &[&str]| wgrad(&[&["data", "show", "--data", &data], options].concat()).end();
    show(&["--per-class", "0", "--out", "/nonexistent/a.png"]).refuses(&["got 0 samples", "expected 1 to"]);
    show(&["--out", "/nonexistent/a.png"]).refuses(&["cannot write /nonexistent/a.png"]);
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    wgrad(&["models", "alexnet"]).end().refuses(&["unknown network `alexnet`", "linear, mlp, cnn"]);
    wgrad(&["bench", "mlp", "alexnet"]).end().refuses(&["unknown network `alexnet`", "linear, mlp, cnn"]);
    let words = ["variant `fast` of conv2d_forward is not one of its variants", "naive"];
    wgrad(&["bench", "--variant", "conv2d_forward=fast"]).end().refuses(&words);
    let words = ["unknown operation `conv`", "conv2d_forward", "matmul"];
    wgrad(&["bench", "--variant", "conv=naive"]).end().refuses(&words);
    wgrad(&["completions", "cmd"]).end().refuses(&["'cmd'", "bash", "fish"]);

    let folder = tempfile::tempdir().unwrap();
    let model = |text: &str| {
        std::fs::write(folder.path().join("bad.toml"), text).unwrap();
        wgrad(&["models", "bad.toml"]).inside(folder.path()).end()
    };
    let layer = |rest: &str| format!("[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\n{rest}\n");
    let words = ["bad.toml: line 4", "Dense", "unknown activation `maxout`", "relu", "softmax"];
    model(&layer("type = \"Dense\"\nunits = 10\nactivation = \"maxout\"")).refuses(&words);
    model(&layer("type = \"LocallyConnected1D\"")).refuses(&[
        "line 4",
        "unknown type `LocallyConnected1D`",
        "Conv2D",
    ]);
    let words = ["bad.toml: line 4", "layer 2 (Dense)", "units: invalid type", "\"ten\"", "a whole number"];
    model(&layer("type = \"Dense\"\nunits = \"ten\"")).refuses(&words);
    let words = ["bad.toml: line 4", "layer 2 (Dense)", "missing field `units`"];
    model(&layer("type = \"Dense\"")).refuses(&words);
    let words = ["bad.toml: line 4", "layer 2 (add_1)", "two or more inputs, got 1", "inputs = ["];
    model(&layer("type = \"Add\"")).refuses(&words);
    let words = ["bad.toml: line 4", "layer 2 (dense_1)", "takes `conv`", "input, flatten_1"];
    model(&layer("type = \"Dense\"\nunits = 10\ninputs = [\"conv\"]")).refuses(&words);
    wgrad(&["models", "./none.toml"]).end().refuses(&["cannot read the model ./none.toml", "--template"]);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    wgrad(&["bench", "--batch", "0"]).end().refuses(&["invalid value '0'", "--batch"]);
    wgrad(&["bench", "--seconds", "NaN"]).end().refuses(&["from 0.01 to 3600"]);
    wgrad(&["models", "--batch=-3"]).end().refuses(&["invalid value '-3'", "--batch"]);
    let huge = on_device(&["bench", "mlp", "--batch", "4294967295", "--json"]).end();
    huge.refuses(&["--batch is 4294967295", "1048576"]);
    let large = on_device(&["bench", "mlp", "--batch", "1000000", "--json"]).end();
    large.refuses(&["bytes, this adapter allows", "--batch"]);
}

#[test]
fn a_folder_that_is_no_run_is_refused() {
    let folder = small_data_argument();
    for command in ["eval", "predict"] {
        let arguments = [command, &folder, "picture.png"];
        let arguments = if command == "eval" { &arguments[..2] } else { &arguments };
        let ended = wgrad(arguments).end();
        assert!(!ended.stderr.contains("adapter:"), "a device was opened for nothing");
        ended.refuses(&["is not a run: it has no run.json", "wgrad train` makes one"]);
        let arguments: Vec<_> =
            arguments.iter().map(|a| if *a == folder { "/nonexistent" } else { *a }).collect();
        wgrad(&arguments).end().refuses(&["/nonexistent is not a run"]);
    }
    let damaged = tempfile::tempdir().unwrap();
    std::fs::write(damaged.path().join("run.json"), "{\"version\": \"0.1.0\"").unwrap();
    wgrad(&["eval", damaged.path().to_str().unwrap()]).end().refuses(&["a run.json that is damaged"]);
}

#[test]
fn a_value_that_begins_like_an_option_comes_with_advice_that_works() {
    for (line, option, value) in [
        (&["train", "--data", "synthetic", "--out", "-r"][..], "--out", "-r"),
        (&["train", "--out", "--quiet"], "--out", "--quiet"),
        (&["eval", "runs/x", "--adapter", "-1x"], "--adapter", "-1x"),
    ] {
        let words = format!("to pass '{value}' as the value of '{option}', use '{option}={value}'");
        let ended = wgrad(line).end().with(2);
        assert!(
            ended.stderr.contains(&words) && !ended.stderr.contains("'-- "),
            "{line:?}: {}",
            ended.stderr
        );
    }
    // Without such a value, there is no such message.
    for line in [["train", "--quiet", "-z"], ["eval", "runs/x", "--limit"]] {
        let ended = wgrad(&line).end().with(2);
        assert!(!ended.stderr.contains("as the value of"), "{}", ended.stderr);
    }

    // The advice for a folder that begins so works, too.
    let folder = tempfile::tempdir().expect("a folder");
    let data = small_data_argument();
    let train = ["train", "--data", &data, "--epochs", "1", "--batch", "64", "--limit", "64", "--out=-r"];
    let ended = on_device(&train).inside(folder.path()).end().with(0);
    let reported = |text: &str| text.contains("eval ./-r") || text.contains("report ./-r");
    assert!(reported(&ended.stderr) || reported(&ended.stdout), "{ended:#?}");
    on_device(&["eval", "./-r", "--data", &data]).inside(folder.path()).end().with(0);
}
