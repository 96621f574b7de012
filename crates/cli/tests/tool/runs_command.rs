//! `wgrad runs`, and runs by name, on folders that the library made: no training, no adapter.

use crate::{command::wgrad, recorded};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;
use wgrad::optim::{Method, Optimizer};
use wgrad_run::Run;

/// A run in `runs/NAME` with these test accuracies, one per epoch, of `epochs`.
fn make(inside: &Path, name: &str, optimizer: &str, epochs: u64, accuracies: &[f64]) -> Run {
    let optimizer = Optimizer::new(Method::named(optimizer).unwrap());
    recorded::make(inside, name, accuracies, |config| {
        (config.options.epochs, config.options.optimizer) = (epochs, optimizer);
    })
}

/// Three runs: `mlp-2` is the best, `mlp-10` the last written, `sgd` stopped.
fn three() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path();
    make(inside, "mlp-2", "adam", 2, &[0.5, 0.75]);
    make(inside, "mlp-10", "adam", 3, &[0.25, 0.625, 0.5]);
    make(inside, "sgd", "sgd", 4, &[0.125]);
    for (name, age) in [("mlp-2", 200), ("mlp-10", 100), ("sgd", 300)] {
        for file in ["run.json", "metrics.jsonl"] {
            let file = File::options().append(true).open(inside.join("runs").join(name).join(file)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
    }
    folder
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["run"].as_str().unwrap()).collect()
}

#[test]
fn runs_are_listed_with_their_results_and_with_what_differs() {
    let folder = three();
    let list = |arguments: &[&str]| {
        wgrad(&[&["runs", "--json"], arguments].concat()).inside(folder.path()).end().with(0).json()
    };
    let rows = list(&[]);
    assert_eq!(names(&rows), ["mlp-2", "mlp-10", "sgd"]);
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["finished", "finished", "stopped"]);
    assert_eq!((&rows[1]["best_epoch"], &rows[1]["test_accuracy"]), (&2.into(), &0.625.into()));
    // 60 images at 30 a second, and a second of evaluation, in each epoch.
    assert_eq!(rows[1]["seconds"], 9.0);
    assert_eq!(rows[2]["settings"]["optimizer"], "sgd");

    assert_eq!(names(&list(&["--sort", "accuracy"])), ["mlp-2", "mlp-10", "sgd"]);
    assert_eq!(names(&list(&["--sort", "written"])), ["mlp-10", "mlp-2", "sgd"]);
    assert_eq!(names(&list(&["--sort", "time"])), ["sgd", "mlp-2", "mlp-10"]);
    assert_eq!(names(&list(&["--filter", "optimizer=ADAM", "--filter", "epochs=3.0"])), ["mlp-10"]);
    assert_eq!(names(&list(&["runs/sgd"])), ["sgd"]);

    let ended = wgrad(&["runs"]).inside(folder.path()).end().with(0);
    let row = |name: &str| ended.stdout.lines().find(|line| line.starts_with(name)).unwrap().to_string();
    assert!(row("sgd").contains("1/4") && row("sgd").contains("--optimizer sgd"), "{ended:#?}");
    assert!(!ended.stdout.contains("--batch"), "all have the same: {ended:#?}");
}

#[test]
fn filters_that_cannot_match_are_refused() {
    let folder = three();
    let list = |arguments: &[&str]| wgrad(&[&["runs"], arguments].concat()).inside(folder.path()).end();
    list(&["--filter", "optimiser=adam"])
        .refuses(&["no run in runs has the setting `optimiser`", "optimizer"]);
    list(&["--filter", "adam"]).refuses(&["SETTING=VALUE"]);
    list(&["nowhere"]).refuses(&["nowhere is not there"]);
    let none = list(&["--filter", "optimizer=lion"]).with(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("no run matches"), "{none:#?}");
}

#[test]
fn a_damaged_run_is_left_out_and_a_run_in_training_is_marked() {
    let folder = three();
    fs::write(folder.path().join("runs/mlp-2/run.json"), "{").unwrap();
    let held = make(folder.path(), "held", "adam", 3, &[]);
    let ended = wgrad(&["runs", "--json"]).inside(folder.path()).end().with(0);
    assert_eq!(names(&ended.json()), ["held", "mlp-10", "sgd"]);
    assert_eq!(ended.json()[0]["state"], "training");
    assert!(ended.stderr.contains("left out") && ended.stderr.contains("mlp-2"), "{ended:#?}");
    drop(held);
    let ended = wgrad(&["runs", "--json"]).inside(folder.path()).end().with(0);
    assert_eq!(ended.json()[0]["state"], "stopped");
}

#[test]
fn a_run_is_named_by_its_name_or_as_the_latest() {
    let folder = three();
    let page = |name: &str| {
        let ended = wgrad(&["report", name, "--curves"]).inside(folder.path()).end().with(0);
        assert!(ended.stderr.contains("report.html"), "{ended:#?}");
        fs::read_to_string(folder.path().join("report.html")).unwrap()
    };
    assert!(page("mlp-2").contains("runs/mlp-2"));
    assert!(page("latest").contains("runs/mlp-10"));
    let none = tempfile::tempdir().unwrap();
    let ended = wgrad(&["report", "latest", "--curves"]).inside(none.path()).end();
    ended.refuses(&["is not a run", " runs` lists them"]);
    let ended = wgrad(&["runs"]).inside(none.path()).end().with(0);
    assert!(ended.stderr.contains("no runs in runs yet"), "{ended:#?}");
}
