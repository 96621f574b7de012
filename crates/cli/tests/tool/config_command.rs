//! `wgrad config`, and trainings with the file that it prints.

use crate::command::{Ended, on_device, small_data_argument, wgrad};
use std::{fs, path::Path};
use tempfile::TempDir;
use wgrad_run::Run;

/// A folder with a small training in `runs/first`.
fn trained(more: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = small_data_argument();
    let fixed = ["train", "--data", &data, "--epochs", "2", "--out", "runs/first"];
    inside(folder.path(), &[&fixed[..], more].concat()).with(0);
    folder
}

fn inside(folder: &Path, arguments: &[&str]) -> Ended {
    on_device(arguments).inside(folder).end()
}

/// Writes the settings of `runs/first` into `run.toml`, and returns them.
fn printed(folder: &Path) -> String {
    let text = wgrad(&["config", "first"]).inside(folder).end().with(0).stdout;
    fs::write(folder.join("run.toml"), &text).unwrap();
    text
}

#[track_caller]
fn same_bits(folder: &Path, a: &str, b: &str) {
    let read = |run: &str, name: &str| fs::read(folder.join(run).join(name)).unwrap();
    for name in ["last.safetensors", "best.safetensors"] {
        assert!(read(a, name) == read(b, name), "{name} of {a} and {b} differ");
    }
}

#[test]
fn a_training_with_the_settings_of_a_run_has_its_bits() {
    let line = "cnn --optimizer adam --lr 0.003 --schedule one-cycle --validation 0.25 --batch 24 --seed 3 --augment \
                flip,shift=1 --label-smoothing 0.1 --normalize --class-weight balanced --ema 0.5 --limit 90";
    let folder = trained(&line.split_whitespace().collect::<Vec<_>>());
    let folder = folder.path();
    let text = printed(folder);
    for line in
        ["model = \"cnn\"", "lr = 0.003", "seed = 3", "normalize = true", "limit = 90", "no-tuned = true"]
    {
        assert!(text.lines().any(|other| other == line), "no {line} in {text}");
    }
    let ended = inside(folder, &["train", "--config", "run.toml", "--out", "runs/again"]).with(0);
    assert!(!ended.stderr.contains("overrides"), "{ended:#?}");
    same_bits(folder, "runs/first", "runs/again");
    let options = |run: &str| Run::open(&folder.join(run)).unwrap().config.options;
    assert_eq!(options("runs/first"), options("runs/again"));
}

#[test]
fn a_network_of_ones_own_comes_from_the_run() {
    let net = "name = \"net\"\ninput_shape = [28, 28, 1]\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \
               \"Dense\"\nunits = 10\nactivation = \"softmax\"\n";
    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path(), small_data_argument());
    fs::write(path.join("net.toml"), net).unwrap();
    let line = ["train", "net.toml", "--data", &data, "--epochs", "1", "--variant", "matmul=naive"];
    inside(path, &[&line[..], &["--out", "runs/first"]].concat()).with(0);
    fs::remove_file(path.join("net.toml")).unwrap();
    let text = printed(path);
    assert!(text.contains("variant = [\"matmul=naive\"]") && text.contains("runs/first\"\n"), "{text}");
    inside(path, &["train", "--config", "run.toml", "--out", "runs/again"]).with(0);
    same_bits(path, "runs/first", "runs/again");
    // The kernels alone, by another name of the run.
    let kernels =
        ["train", "first", "--data", &data, "--epochs", "1", "--kernels", "first", "--out", "runs/third"];
    inside(path, &kernels).with(0);
    same_bits(path, "runs/first", "runs/third");
    let run = Run::open(&path.join("runs/third")).unwrap();
    assert!(run.config.kernels.contains(&"matmul/naive".to_string()), "{:?}", run.config.kernels);
}

#[test]
fn the_command_line_overrides_the_file_and_says_so() {
    let folder = trained(&["--optimizer", "adam", "--beta-1", "0.5", "--no-shuffle"]);
    let folder = folder.path();
    printed(folder);
    let said = |more: &[&str]| {
        let line = [&["train", "--config", "run.toml", "--epochs", "1"], more].concat();
        let ended = inside(folder, &line).with(0);
        ended.stderr.lines().next().unwrap().to_string()
    };
    let words = said(&["--seed", "0", "--optimizer", "sgd", "linear"]);
    for word in [
        "run.toml: the command line overrides",
        "model = \"mlp\" (by linear)",
        "epochs = 2 (now 1)",
        "optimizer = \
         \"adam\" (now sgd)",
        "lr = 0.001 (it is of another optimizer",
        "beta-1 = 0.5 (it is",
    ] {
        assert!(words.contains(word), "no {word} in {words}");
    }
    assert!(!words.contains("seed"), "the same value: {words}");
    let run = Run::open(&folder.join("runs/linear-1")).unwrap();
    assert_eq!((run.config.options.epochs, run.config.options.optimizer.name()), (1, "sgd"));
    assert!(!run.config.options.shuffle, "the file counts where the command line says nothing");
    let words = said(&["--tune", "--tune-seconds", "0.1"]);
    assert!(words.contains("no-tuned = true (by --tune)"), "{words}");
}

/// Lines of a file, and what the answer says.
const WRONG: &[(&str, &[&str])] = &[
    ("lr = 0.1\nepoch = 3", &["run.toml, line 2", "no setting `epoch`", "did you mean `epochs`?"]),
    ("label_smoothing = 0.1", &["did you mean `label-smoothing`?"]),
    ("network = \"mlp\"", &["no setting `network`"]),
    ("resume = \"runs/mlp-1\"", &["`resume` is no setting"]),
    ("config = \"other.toml\"", &["`config` is no setting"]),
    ("epochs = true", &["epochs is true, expected N, as `--epochs` takes it"]),
    ("epochs = \"five\"", &["line 1", "'five'", "'epochs <N>'", "expected a whole number from 0 on"]),
    ("epochs = 1.5", &["'1.5'", "expected a whole number"]),
    ("epochs = [1, 2]", &["epochs is a list, expected N"]),
    ("lr = 2026-01-01", &["lr is a date or time, expected X"]),
    ("normalize = 1", &["normalize is the number 1, expected true or false"]),
    ("normalize = \"yes\"", &["normalize is the text \"yes\", expected true or false"]),
    ("drop = [true]", &["drop is a list, expected COLUMN or a list of them"]),
    ("optimizer = \"adm\"", &["'adm'", "a similar value exists: 'adam'"]),
    ("[optimizer]\nlr = 1", &["optimizer is a table"]),
    ("lr = 0.1\nlr = 0.2", &["line 2", "duplicate key"]),
    ("lr 0.1", &["line 1", "expected lines such as `lr = 0.1`"]),
    ("tune = true\nno-tuned = true", &["cannot be used with"]),
    ("momentum = 0.5\noptimizer = \"adam\"", &["`--optimizer adam` takes no --momentum"]),
];

#[test]
fn what_is_no_setting_is_refused_with_what_would_be_one() {
    let folder = tempfile::tempdir().unwrap();
    for (text, answers) in WRONG {
        fs::write(folder.path().join("run.toml"), text).unwrap();
        let ended = wgrad(&["train", "--config", "run.toml"]).inside(folder.path()).end().with(2);
        for answer in *answers {
            assert!(ended.stderr.contains(answer), "{text:?}: no {answer:?} in\n{}", ended.stderr);
        }
    }
}

#[test]
fn what_is_no_file_of_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("large.toml"), "# long\n".repeat(200_000)).unwrap();
    fs::write(path.join("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let config = |name: &str| wgrad(&["train", "--config", name]).inside(path).end();
    config("large.toml")
        .refuses(&["large.toml holds 1.3 MiB, expected a file of settings of at most 1.0 MiB"]);
    config("nowhere.toml").refuses(&["cannot read the settings", "nowhere.toml", "config RUN` prints"]);
    config(".").refuses(&["is a folder"]);
    config("bytes.toml").refuses(&["bytes.toml"]);
    #[cfg(unix)]
    config("/dev/zero").refuses(&["is not a file"]);
    wgrad(&["train", "--config", "large.toml", "--resume", "x"])
        .inside(path)
        .end()
        .refuses(&["cannot be used with"]);
    wgrad(&["config", "nowhere"]).inside(path).end().refuses(&["is not a run", " runs` lists them"]);
}
