//! `wgrad sweep`: its trainings are ordinary runs, and it continues after any end to the same results.

use crate::command::{Ended, on_device, small_data_argument, wgrad};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use wgrad_run::Run;

fn sweep(folder: &Path, arguments: &[&str]) -> Ended {
    let data = small_data_argument();
    on_device(&[&["sweep", "linear", "--data", &data, "--batch", "24", "--no-tuned"], arguments].concat())
        .inside(folder)
        .end()
}

fn epochs(folder: &Path, run: &str) -> usize {
    Run::open(&folder.join(run)).unwrap().metrics().unwrap().len()
}

#[track_caller]
fn same_bits(a: &Path, b: &Path) {
    for name in ["last.safetensors", "best.safetensors"] {
        assert!(fs::read(a.join(name)).unwrap() == fs::read(b.join(name)).unwrap(), "{name} differs");
    }
}

/// Results without times and names of folders.
fn results(rows: &[Value]) -> Vec<Value> {
    let one =
        |row: &Value| json!([row["settings"], row["epochs"], row["value"], row["test_value"], row["rank"]]);
    rows.iter().map(one).collect()
}

#[test]
fn a_grid_trains_every_combination_as_an_ordinary_run() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    let grid = ["--epochs", "2", "--grid", "lr=0.1,0.001", "--grid", "seed=0,1", "--jobs", "2"];
    let ended = sweep(folder, &[&grid[..], &["--json", "--html", "page.html"]].concat()).with(0);
    let rows = ended.json();
    let settings: Vec<_> = rows.iter().map(|row| row["settings"]["lr"].as_str().unwrap()).collect();
    assert_eq!(settings, ["0.1", "0.1", "0.001", "0.001"], "the better rate ranks first: {rows:#?}");
    assert!(rows.iter().all(|row| row["finished"] == true && row["epochs"] == 2), "{rows:#?}");
    // The first combination, trained alone.
    let data = small_data_argument();
    let alone =
        ["train", "linear", "--data", &data, "--batch", "24", "--epochs", "2", "--lr", "0.1", "--no-tuned"];
    on_device(&[&alone[..], &["--out", "alone"]].concat()).inside(folder).end().with(0);
    same_bits(&folder.join("runs/sweep-1/trial-1"), &folder.join("alone"));
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    for words in ["Sweep runs/sweep-1", "Test accuracy by lr", "Test accuracy by seed", "trial-4", "±"] {
        assert!(page.contains(words), "no {words:?}");
    }
    let listed = wgrad(&["runs", "runs/sweep-1", "--json"]).inside(folder).end().with(0).json();
    assert_eq!(listed.len(), 4);
    // All is done: the ranking again.
    let again = wgrad(&["sweep", "--resume", "runs/sweep-1", "--json"]).inside(folder).end().with(0);
    assert_eq!(results(&again.json()), results(&rows));
}

#[test]
fn halving_goes_on_with_the_best_to_the_bits_of_a_whole_training() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    let random = ["--random", "lr=1e-5..1:log", "--trials", "4", "--halving", "--epochs", "3", "--out", "s"];
    let schedule = ["--schedule", "cosine", "--validation", "0.25"];
    let ended = sweep(folder, &[&random[..], &schedule, &["--json"]].concat()).with(0);
    let rows = ended.json();
    let done: Vec<_> = rows.iter().map(|row| row["epochs"].as_u64().unwrap()).collect();
    assert_eq!(done, [3, 3, 1, 1], "{rows:#?}");
    assert_eq!(rows[0]["score"], "validation accuracy");
    // No dropped one was better after the first epoch than a kept one.
    let first = |row: &Value| {
        let run = Run::open(&folder.join(row["run"].as_str().unwrap())).unwrap();
        run.metrics().unwrap()[0].validation_accuracy.unwrap()
    };
    let firsts: Vec<f64> = rows.iter().map(first).collect();
    assert!(firsts[..2].iter().all(|kept| firsts[2..].iter().all(|other| kept >= other)), "{firsts:?}");
    let (data, lr) = (small_data_argument(), rows[0]["settings"]["lr"].as_str().unwrap());
    let alone =
        ["train", "linear", "--data", &data, "--batch", "24", "--epochs", "3", "--lr", lr, "--no-tuned"];
    on_device(&[&alone[..], &schedule, &["--out", "alone"]].concat()).inside(folder).end().with(0);
    same_bits(&folder.join(rows[0]["run"].as_str().unwrap()), &folder.join("alone"));
}

#[cfg(unix)]
#[test]
fn a_killed_sweep_continues_to_the_same_results() {
    let tmp = tempfile::tempdir().unwrap();
    let (folder, data) = (tmp.path(), small_data_argument());
    let words =
        ["--random", "lr=1e-4..1:log", "--trials", "4", "--halving", "--epochs", "3", "--sweep-seed", "7"];
    let whole = sweep(folder, &[&words[..], &["--out", "whole", "--json"]].concat()).with(0).json();
    // Killed once in its first rung, and interrupted once in what is left.
    let line = ["sweep", "linear", "--data", &data, "--batch", "24", "--no-tuned", "--out", "cut"];
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").map(|adapter| vec!["--adapter".to_string(), adapter]);
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("starts")
    };
    let until = |name: &str| {
        let begun = Instant::now();
        while !folder.join(name).exists() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{name} never came");
            sleep(Duration::from_millis(10));
        }
    };
    let adapter = adapter.unwrap_or_default();
    let adapter: Vec<&str> = adapter.iter().map(String::as_str).collect();
    let mut child = start(&[&line[..], &words, &adapter].concat());
    until("cut/trial-2/run.json");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = start(&["sweep", "--resume", "cut"]);
    until("cut/trial-3/run.json");
    wgrad_testing::signal(child.id(), "INT");
    let code = child.wait().unwrap().code();
    assert!([Some(130), Some(0)].contains(&code), "{code:?}");
    let rows = wgrad(&["sweep", "--resume", "cut", "--json"]).inside(folder).end().with(0).json();
    assert_eq!(results(&rows), results(&whole));
    for trial in 1..=4 {
        let run = |of: &str| folder.join(of).join(format!("trial-{trial}"));
        same_bits(&run("cut"), &run("whole"));
    }
    // Two processes do not train one sweep.
    let lock = fs::File::options().read(true).write(true).open(folder.join("cut/sweep.lock")).unwrap();
    lock.lock().unwrap();
    wgrad(&["sweep", "--resume", "cut"])
        .inside(folder)
        .end()
        .refuses(&["is in use: another process trains it"]);
}

#[test]
fn a_sweep_of_the_settings_of_a_run_adds_seeds_to_it() {
    let tmp = tempfile::tempdir().unwrap();
    let (folder, data) = (tmp.path(), small_data_argument());
    let line = [
        "train", "linear", "--data", &data, "--epochs", "1", "--recipe", "linear", "--seed", "3", "--out",
        "runs/a",
    ];
    on_device(&line).inside(folder).end().with(0);
    let settings = wgrad(&["config", "a"]).inside(folder).end().with(0).stdout;
    fs::write(folder.join("a.toml"), settings).unwrap();
    let ended = wgrad(&["sweep", "--config", "a.toml", "--grid", "seed=1,2"]).inside(folder).end().with(0);
    assert!(ended.stderr.contains("overrides seed = 3 (varied)"), "{ended:#?}");
    let all = wgrad(&["compare", "a", "runs/sweep-1", "--json"]).inside(folder).end().with(0).json();
    assert_eq!(all[0]["groups"][0]["seeds"], json!([3, 1, 2]), "{all:#?}");
}

#[test]
fn a_training_that_diverges_ranks_last_and_the_others_go_on() {
    let tmp = tempfile::tempdir().unwrap();
    let folder = tmp.path();
    let data = small_data_argument();
    let line = ["sweep", "mlp", "--data", &data, "--epochs", "2", "--grid", "lr=1e30,0.1", "--json"];
    let ended = on_device(&line).inside(folder).end().with(1);
    let rows = ended.json();
    assert_eq!(rows[0]["settings"]["lr"], "0.1");
    assert!(rows[1]["error"].as_str().unwrap().contains("diverge"), "{rows:#?}");
    assert!(
        ended.stderr.contains("trial-1  lr=1e30: failed") && ended.stderr.contains("1 training failed"),
        "{ended:#?}"
    );
    assert_eq!(epochs(folder, "runs/sweep-1/trial-2"), 2);
}

/// Arguments, and what the answer says.
const WRONG: &[(&str, &[&str])] = &[
    ("", &["nothing is varied", "--grid lr=0.1,0.01"]),
    ("--grid lrr=0.1", &["there is no option `lrr`", "did you mean `lr`?"]),
    ("--grid label_smoothing=0.1", &["did you mean `label-smoothing`?"]),
    ("--grid lr=0.1,fast", &["'fast'", "expected a number, such as 0.05"]),
    ("--grid lr=0.1,-1", &["the training with lr=-1", "--lr is -1"]),
    ("--grid optimizer=sgd,adm", &["'adm'", "a similar value exists: 'adam'"]),
    ("--grid out=a,b", &["`out` changes no result"]),
    ("--grid adapter=0,1", &["`adapter` changes no result"]),
    ("--grid lr=0.1 --grid lr=0.2", &["lr is varied twice"]),
    ("--grid lr=0.1 --lr 0.3", &["lr is given and varied; leave out --lr"]),
    ("--grid lr=0.1,0.1", &["0.1 is there twice"]),
    ("--grid model=mlp,ccn", &["the training with model=ccn", "did you mean `cnn`?"]),
    ("--grid momentum=0.5 --optimizer adam", &["the training with momentum=0.5", "takes no --momentum"]),
    ("--grid no-tune=true --tune", &["the training with no-tune=true", "cannot be used with"]),
    ("--random lr=1..0.1 --trials 3", &["expected NAME=LOW..HIGH with LOW below HIGH"]),
    ("--random lr=0.1..1", &["--trials"]),
    ("--random lr=0.1..1 --trials 0", &["--trials"]),
    ("--random lr=0.1..1 --trials 2000", &["2000 trainings are asked for, expected at most 1000"]),
    ("--grid lr=0.1,0.2 --halving --epochs 2", &["no rung to drop any at", "--epochs of 3 or more"]),
    ("--grid epochs=3,9 --halving", &["needs the same `--epochs` in all trainings"]),
    ("--grid lr=0.1 --jobs 0", &["--jobs"]),
    ("--grid lr=0.1 --epoch 3", &["'--epochs'"]),
    ("--resume nowhere", &["nowhere is not a sweep: it has no sweep.json"]),
    ("--resume nowhere --grid lr=0.1", &["cannot be used with"]),
    ("--resume nowhere --lr 0.1", &["cannot be used with"]),
];

#[test]
fn what_cannot_be_swept_is_refused_before_any_training() {
    let folder = tempfile::tempdir().unwrap();
    for (line, answers) in WRONG {
        let words: Vec<&str> = ["sweep"].into_iter().chain(line.split_whitespace()).collect();
        let ended = wgrad(&words).inside(folder.path()).end().with(2);
        for answer in *answers {
            assert!(ended.stderr.contains(answer), "{line}: no {answer:?} in\n{}", ended.stderr);
        }
        assert!(!folder.path().join("runs").exists(), "{line}: a folder was made");
    }
    // A failure before the first step ends the sweep: every training would fail.
    let line = ["sweep", "linear", "--data", "./none", "--grid", "lr=0.1,0.2"];
    wgrad(&line).inside(folder.path()).end().refuses(&[
        "trial-1 (lr=0.1) did not begin",
        "none",
        "trial-1.log",
    ]);
    let line = ["sweep", "--grid", "lr=0.1", "--out", "runs/sweep-1"];
    wgrad(&line)
        .inside(folder.path())
        .end()
        .refuses(&["holds a sweep already", "sweep --resume runs/sweep-1`"]);
    fs::write(folder.path().join("runs/sweep-1/sweep.json"), "{").unwrap();
    wgrad(&["sweep", "--resume", "runs/sweep-1"]).inside(folder.path()).end().refuses(&["is damaged"]);
}
