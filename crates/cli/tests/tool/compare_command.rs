//! `wgrad compare` on runs that the library recorded: no training, no adapter.

use crate::{
    command::{Ended, wgrad},
    recorded::make,
};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;
use wgrad::networks::network;

/// Three seeds at batch 128 and three at batch 64, which are worse; another network with one seed.
fn seven() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed, batch, last) in [
        ("a-0", 0, 128, 0.90),
        ("a-1", 1, 128, 0.91),
        ("a-2", 2, 128, 0.905),
        ("b-0", 0, 64, 0.80),
        ("b-1", 1, 64, 0.82),
        ("b-2", 2, 64, 0.81),
    ] {
        make(folder.path(), name, &[0.5, last], |config| {
            (config.options.seed, config.options.batch) = (seed, batch);
        });
    }
    make(folder.path(), "c", &[0.75, 0.7], |config| {
        config.model = network("linear", config.model.input_shape, config.data.classes.len()).unwrap();
    });
    folder
}

fn compare(folder: &Path, arguments: &[&str]) -> Ended {
    wgrad(&[&["compare"], arguments].concat()).inside(folder).end()
}

fn found(folder: &Path, arguments: &[&str]) -> Value {
    compare(folder, &[arguments, &["--json"]].concat()).with(0).json().remove(0)
}

#[test]
fn what_differs_and_the_results_stand_side_by_side() {
    let folder = seven();
    let all = found(folder.path(), &["a-0", "c"]);
    let (a, c) = (&all["runs"][0], &all["runs"][1]);
    assert_eq!((&a["settings"], &c["settings"]), (&json!({"model": "mlp"}), &json!({"model": "linear"})));
    assert_eq!((&c["best"]["test_accuracy"], &c["last"]["test_accuracy"]), (&json!(0.75), &json!(0.7)));
    assert_eq!((&c["best"]["epoch"], &c["last"]["epoch"]), (&json!(1), &json!(2)));
    let text = compare(folder.path(), &["a-0", "b-1", "c"]).with(0).stdout;
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("b-1")).collect();
    assert!(rows.len() == 2 && rows[0].contains("64") && rows[1].contains("0.8200"), "{text}");
    assert!(!text.contains("optimizer"), "all have the same: {text}");
    let same = compare(folder.path(), &["a-0", "a-0", "runs/a-0", "a-1"]).with(0).stdout;
    assert!(same.contains("seed") && same.contains("only in their seed"), "{same}");
}

#[test]
fn groups_of_seeds_get_a_verdict_and_one_seed_none() {
    let folder = seven();
    let all = found(folder.path(), &["runs"]);
    let groups: Vec<_> = all["groups"].as_array().unwrap().iter().map(|group| &group["seeds"]).collect();
    assert_eq!(groups, [&json!([0, 1, 2]), &json!([0, 1, 2]), &json!([0])]);
    let pair = &all["pairs"][0];
    assert_eq!((&pair["groups"], &pair["verdict"]), (&json!([0, 1]), &json!("first_is_better")));
    // scipy.stats.ttest_ind([0.90, 0.91, 0.905], [0.80, 0.82, 0.81], equal_var=False): df 2.941, p 0.0007.
    let p = pair["p"].as_f64().unwrap();
    assert!((0.0006..0.0008).contains(&p), "{p}");
    assert_eq!(all["pairs"][1]["verdict"], "spread_unknown");
    let text = compare(folder.path(), &["runs"]).with(0).stdout;
    for words in [
        "0.9050 ± 0.0050",
        "is better than",
        "95 % interval",
        "spread is unknown",
        "config c > settings.toml`",
        "sweep --config settings.toml --grid seed=1,2,3,4`",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn a_run_that_is_not_finished_is_shown_and_does_not_count() {
    let folder = seven();
    make(folder.path(), "a-3", &[0.1], |config| (config.options.seed, config.options.epochs) = (3, 2));
    let all = found(folder.path(), &["a-0", "a-1", "a-3", "c"]);
    assert_eq!(all["groups"][0]["seeds"], json!([0, 1]));
    assert_eq!((&all["runs"][2]["finished"], &all["runs"][2]["epochs"]), (&json!(false), &json!(1)));
}

#[test]
fn pictures_and_the_page_are_written_with_the_same_colour_for_a_run() {
    let folder = seven();
    let ended = compare(folder.path(), &["runs", "--html", "page.html", "--svg", "a.svg", "--png", "a.png"]);
    ended.with(0);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.png").starts_with(b"\x89PNG") && read("a.svg").starts_with(b"<svg"));
    let page = String::from_utf8(read("page.html")).unwrap();
    for words in ["Test accuracy", "is better than", "Settings that differ", "mlp, batch 64 (seeds 0, 1, 2)"]
    {
        assert!(page.contains(words), "no {words:?}");
    }
    // A regression, which has no accuracy, comes between: the third run keeps its colour in the chart of accuracies.
    make(folder.path(), "b-9", &[0.5, 0.6], |config| {
        config.model.loss = Some(wgrad::loss::Loss::MeanSquaredError);
    });
    compare(folder.path(), &["a-0", "b-9", "c", "--html", "page.html"]).with(0);
    let page = String::from_utf8(read("page.html")).unwrap();
    let chart = page.split("<svg").find(|svg| svg.contains("<title>Test accuracy</title>")).unwrap();
    assert!(chart.contains("#00805C") && !chart.contains("#C24E00"), "{chart}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = seven();
    compare(folder.path(), &["a-0"]).refuses(&["got the run runs/a-0, expected two runs at least"]);
    compare(folder.path(), &["a-0", "nowhere"]).refuses(&["nowhere", "is not a run", " runs` lists them"]);
    compare(folder.path(), &["a-0", "c", "--png", "none/a.png"]).refuses(&["none/a.png"]);
    fs::write(folder.path().join("runs/b-0/run.json"), "{").unwrap();
    let ended = compare(folder.path(), &["runs"]).with(0);
    assert!(ended.stderr.contains("left out") && ended.stderr.contains("b-0"), "{ended:#?}");
    compare(folder.path(), &["a-0", "b-0"]).refuses(&["run.json that is damaged"]);
}
