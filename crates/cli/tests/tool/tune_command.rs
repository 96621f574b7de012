//! `wgrad tune`, `train --tune` and what later trainings, benches and checks do with the choice, by the real binary.
//! How much a budget reaches depends on the machine, so that no test asserts it: only that the printed, the kept and
//! the used choices agree.

use crate::command::{Ended, on_device, small_data_argument};
use serde_json::Value;
use std::{fs, path::Path};
use wgrad::{networks::network, optim::Optimizer, preprocessing::Preprocessing};
use wgrad_lab::tune::{
    self,
    cache::{Cache, Entry, Place},
};
use wgrad_run::Run;

/// A command that keeps its choices in `folder/tuned`.
fn wgrad(folder: &Path, arguments: &[&str]) -> crate::command::Call {
    on_device(arguments).env("WGRAD_TUNED", folder.join("tuned")).inside(folder)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A short training of `linear` into `out`.
fn train(folder: &Path, out: &str, arguments: &[&str]) -> Ended {
    let data = small_data_argument();
    let fixed = ["train", "--model", "linear", "--data", &data, "--batch", "32", "--epochs", "1"];
    wgrad(folder, &[&fixed[..], &["--out", out], arguments].concat()).end()
}

fn choices(folder: &Path, run: &str) -> wgrad::selection::Choices {
    Run::open(&folder.join(run)).expect("a run").config.options.variants
}

fn kernels(folder: &Path, run: &str) -> Vec<String> {
    Run::open(&folder.join(run)).expect("a run").config.kernels
}

fn last(folder: &Path, run: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("last.safetensors")).expect("a state")
}

/// Puts `chosen` into the cache for every call of `model` that has it, as if it had been tuned; returns their number.
fn keep(folder: &Path, model: &str, batch: usize, chosen: &str) -> usize {
    let context = wgrad_testing::open(false);
    let (cache, place) = (Cache { folder: Some(folder.join("tuned")) }, Place::of(&context));
    let model = network(model, [28, 28, 1], 10).expect("built in");
    let mut kept = 0;
    for of in tune::uses(&model, &Preprocessing::default(), batch, &Optimizer::default(), &Default::default())
        .expect("fits")
    {
        let all = tune::eligible(&context, &of.call, tune::candidates(&context, &of.call)).expect("composes");
        if all.len() > 1 && all.iter().any(|variant| variant.name() == chosen) {
            cache.store(&Entry::new(&place, &of.call, "default", chosen, None)).expect("stores");
            kept += 1;
        }
    }
    kept
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder.join("tuned")).map_or(0, |files| files.count())
}

#[test]
fn tuning_keeps_what_it_decides_and_lists_and_forgets_it() {
    let tmp = folder();
    let tune = |arguments: &[&str]| wgrad(tmp.path(), &[&["tune", "mlp"][..], arguments].concat()).end();
    let ended = tune(&["--batch", "32", "--seconds", "2", "--json"]).with(0);
    let rows = ended.json();
    assert!(ended.stderr.contains("s left") && ended.stderr.contains("of 7 operations"), "{ended:#?}");
    assert_eq!(rows.len(), 7, "{rows:#?}");
    let decided = rows.iter().filter(|row| row["state"] == "decided").count();
    assert_eq!(files(tmp.path()), decided);
    for row in &rows {
        assert!(row["state"] == "decided" || row["state"] == "left out", "{row}");
        assert_eq!(row["chosen"].is_null(), row["state"] == "left out", "{row}");
        assert_eq!(
            row["gain"].is_null(),
            row["chosen"].is_null() || row["chosen"] == row["default"],
            "{row}"
        );
        assert!(row["adapter"]["driver"].is_string() && row["sizes"].is_string(), "{row}");
    }
    // Once more, with time enough for a small network: what is known is not measured again.
    let all = || wgrad(tmp.path(), &["tune", "linear", "--batch", "8", "--seconds", "600", "--json"]).end();
    let first = all().with(0).json();
    assert!(!first.is_empty() && first.iter().all(|row| row["state"] == "decided"), "{first:#?}");
    let second = all().with(0);
    assert!(!second.stderr.contains("s left"), "it measured again: {second:#?}");
    for (row, before) in second.json().iter().map(|row| {
        let of = |key: &str| first.iter().find(|b| b["op"] == row["op"] && b[key] == row[key]);
        (row, of("sizes").expect("the same operations"))
    }) {
        assert_eq!((&row["state"], &row["chosen"]), (&"known".into(), &before["chosen"]), "{row}");
    }
    let again = wgrad(tmp.path(), &["tune", "linear", "--batch", "8", "--seconds", "0", "--again"]).end();
    assert!(again.with(0).stdout.contains("left out"), "--again takes what is known for granted");

    let listed = tune(&["--list", "--json"]).with(0).json();
    assert_eq!(listed.len(), decided + first.len());
    assert!(listed.iter().all(|entry| entry["counts"] == true && entry["date"].is_string()), "{listed:#?}");
    assert!(tune(&["--list"]).with(0).stdout.contains("matmul"));
    let cleared = tune(&["--clear"]).with(0).stdout;
    assert!(cleared.starts_with(&format!("{} choices forgotten", listed.len())), "{cleared}");
    assert_eq!(files(tmp.path()), 0);
}

#[test]
fn too_little_time_leaves_the_defaults_and_says_so() {
    let tmp = folder();
    let ended = wgrad(tmp.path(), &["tune", "mlp", "--batch", "16", "--seconds", "0.01"]).end().with(0);
    assert!(ended.stdout.contains("left out"), "{ended:#?}");
    assert!(ended.stderr.contains("were left out and keep the default"), "{ended:#?}");
}

#[test]
fn train_tune_records_what_it_found_and_keeps_it() {
    let tmp = folder();
    let ended = train(tmp.path(), "run", &["--tune", "--tune-seconds", "600"]).with(0);
    let tuned = choices(tmp.path(), "run").tuned;
    assert!(ended.stderr.contains(&format!("tuned {0} of {0} operations", tuned.len())), "{ended:#?}");
    assert!(tuned.len() > 2 && tuned.len() == files(tmp.path()), "{tuned:?}");
    let later = train(tmp.path(), "later", &[]).with(0);
    assert!(
        later.stderr.contains(&format!("tuned: {0} of {0} operations, from ", tuned.len())),
        "{later:#?}"
    );
    assert_eq!(choices(tmp.path(), "later").tuned, tuned);
    assert!(last(tmp.path(), "run") == last(tmp.path(), "later"), "one choice, two results");
}

#[test]
fn what_is_kept_is_used_unless_reported_otherwise() {
    let tmp = folder();
    let kept = keep(tmp.path(), "linear", 32, "naive");
    let naive = |run: &str| kernels(tmp.path(), run).iter().filter(|k| k.ends_with("/naive")).count();
    let ended = train(tmp.path(), "tuned", &[]).with(0);
    assert!(ended.stderr.contains(&format!("tuned: {kept} of {kept} operations")), "{ended:#?}");
    assert_eq!(naive("tuned"), kernels(tmp.path(), "tuned").len());

    let ended = train(tmp.path(), "without", &["--no-tuned"]).with(0);
    assert!(!ended.stderr.contains("tuned"), "{ended:#?}");
    assert!(choices(tmp.path(), "without").tuned.is_empty() && naive("without") < naive("tuned"));

    train(tmp.path(), "hand", &["--variant", "matmul=tiled"]).with(0);
    let hand = kernels(tmp.path(), "hand");
    assert!(hand.contains(&"matmul/tiled".to_string()), "{hand:?}");
    assert!(hand.contains(&"matmul_grad_weight/naive".to_string()), "{hand:?}");

    let bench = |arguments: &[&str]| {
        let fixed = ["bench", "linear", "--batch", "32", "--plan"];
        wgrad(tmp.path(), &[&fixed[..], arguments].concat()).end().with(0)
    };
    let plan = bench(&[]);
    assert!(plan.stdout.contains("matmul/naive") && plan.stderr.contains("tuned: "), "{plan:#?}");
    let line = |kernel: &str, plan: &Ended| {
        let line = plan.stdout.lines().rfind(|line| line.trim().starts_with(kernel)).map(str::to_string);
        line.unwrap_or_else(|| panic!("no reason for {kernel}: {plan:#?}"))
    };
    assert!(line("matmul/naive", &plan).ends_with(" tuned"), "{plan:#?}");
    let by_hand = bench(&["--variant", "matmul=tiled"]);
    assert!(line("matmul/tiled", &by_hand).ends_with(" chosen by hand"), "{by_hand:#?}");
    let plan = bench(&["--no-tuned"]);
    assert!(!plan.stdout.contains("matmul/naive") && !plan.stderr.contains("tuned: "), "{plan:#?}");

    let kept = keep(tmp.path(), "linear", 4, "naive");
    let check = |arguments: &[&str]| {
        let fixed = ["check", "linear", "--batch", "4", "--json"];
        let ended = wgrad(tmp.path(), &[&fixed[..], arguments].concat()).end().with(0);
        let of = |row: &Value| row["kernel"] == "matmul/naive";
        (ended.json().iter().any(of), ended.stderr)
    };
    // Its optimizer is another, and so is the call of it.
    let (naive, said) = check(&[]);
    assert!(naive && said.contains(&format!("tuned: {} of {kept} operations", kept - 1)), "{said}");
    let (naive, said) = check(&["--no-tuned"]);
    assert!(!naive && !said.contains("tuned: "), "{said}");
}

/// Later contents of the cache do not affect a run that has begun.
#[test]
fn resuming_uses_what_the_run_recorded() {
    let tmp = folder();
    let data = small_data_argument();
    let train = |out: &str, epochs: &str, arguments: &[&str]| {
        let fixed = ["train", "--model", "mlp", "--data", &data, "--batch", "32", "--epochs", epochs];
        wgrad(tmp.path(), &[&fixed[..], &["--out", out], arguments].concat()).end().with(0)
    };
    let resume =
        |run: &str| wgrad(tmp.path(), &["train", "--resume", run, "--epochs", "2"]).end().with(0).stderr;
    train("plain", "1", &[]);
    train("default", "2", &[]);
    let kept = keep(tmp.path(), "mlp", 32, "naive");
    train("parts", "1", &[]);
    train("naive", "2", &[]);
    let differ = last(tmp.path(), "naive") != last(tmp.path(), "default");
    // Without subgroups the defaults may add in the order of the naive ones.
    assert!(differ || !kernels(tmp.path(), "default").contains(&"matmul/subgroup".to_string()));

    let said = resume("plain");
    assert!(!said.contains("tuned"), "a run without choices found some: {said}");
    assert!(last(tmp.path(), "plain") == last(tmp.path(), "default"), "the resumed run is not the same");

    let recorded = choices(tmp.path(), "parts");
    assert_eq!(recorded.tuned.len(), kept);
    fs::remove_dir_all(tmp.path().join("tuned")).expect("removes");
    let said = resume("parts");
    assert!(said.contains(&format!("tuned: {kept} operations, as the run recorded")), "{said}");
    assert!(last(tmp.path(), "parts") == last(tmp.path(), "naive"), "the resumed run is not the same");
    assert_eq!(choices(tmp.path(), "parts"), recorded);
}

/// A run keeps the variants that ran by default when it began, also under other rules, and those of older versions, which
/// recorded the kernels of a step only.
#[test]
fn resuming_keeps_the_defaults_of_the_run() {
    let tmp = folder();
    let data = small_data_argument();
    let train = |out: &str, epochs: &str, arguments: &[&str]| {
        let fixed = ["train", "--model", "mlp", "--data", &data, "--batch", "32", "--epochs", epochs];
        wgrad(tmp.path(), &[&fixed[..], &["--out", out], arguments].concat()).end().with(0)
    };
    let resume = |run: &str| wgrad(tmp.path(), &["train", "--resume", run, "--epochs", "2"]).end().with(0);
    let edit = |run: &str, edit: &dyn Fn(&mut Value)| {
        let file = tmp.path().join(run).join("run.json");
        let mut config = serde_json::from_slice(&fs::read(&file).expect("there")).expect("JSON");
        edit(&mut config);
        fs::write(&file, serde_json::to_string_pretty(&config).expect("JSON")).expect("writes");
    };
    train("default", "2", &["--no-tuned"]);
    train("older", "1", &["--no-tuned"]);
    edit("older", &|config| {
        let calls = config.as_object_mut().expect("an object").remove("calls").expect("recorded");
        assert!(calls.as_object().is_some_and(|calls| calls.len() > 5), "{calls}");
    });
    resume("older");
    assert!(last(tmp.path(), "older") == last(tmp.path(), "default"), "a run of an older version");

    // As if `naive` had been the default of everything when the run began: its sums are rounded in another order.
    train("before", "1", &["--no-tuned"]);
    edit("before", &|config| {
        let calls = config["calls"].as_object_mut().expect("recorded");
        calls.values_mut().for_each(|variant| *variant = "naive".into());
    });
    resume("before");
    assert!(last(tmp.path(), "before") != last(tmp.path(), "default"), "the recorded variants did not run");
}

/// The number of operations that the time reaches depends on the machine: only what is printed, kept and recorded has to
/// agree.
#[test]
fn a_first_tuning_is_kept_recorded_and_done_once() {
    let tmp = folder();
    let first = train(tmp.path(), "first", &["--tune-first", "--tune-seconds", "20"]).with(0);
    assert_eq!(first.stderr.matches("before the first step").count(), 1, "{first:#?}");
    let recorded = choices(tmp.path(), "first").tuned;
    assert!(recorded.len() > 2 && recorded.len() == files(tmp.path()), "{recorded:?}");
    let of = format!(" of {} operations in ", recorded.len());
    assert!(first.stderr.contains(&of), "{first:#?}");

    let again = train(tmp.path(), "again", &["--tune-first"]).with(0);
    assert!(!again.stderr.contains("before the first step"), "it tuned again: {again:#?}");
    assert!(again.stderr.contains(&format!("tuned: {0} of {0} operations", recorded.len())), "{again:#?}");
    assert_eq!(choices(tmp.path(), "again").tuned, recorded);
    assert!(last(tmp.path(), "first") == last(tmp.path(), "again"), "one choice, two results");

    // A longer tuning measures them anew.
    let data = small_data_argument();
    let tune =
        wgrad(tmp.path(), &["tune", "linear", "--data", &data, "--batch", "32", "--seconds", "0", "--json"]);
    let rows = tune.end().with(0).json();
    assert!(rows.iter().all(|row| row["state"] == "left out"), "{rows:#?}");
}

#[test]
fn a_first_tuning_is_off_where_it_does_not_pay_and_where_it_is_unwanted() {
    let tmp = folder();
    for (out, arguments) in [("no", &["--no-tune"][..]), ("none", &["--no-tuned"])] {
        let ended = train(tmp.path(), out, arguments).with(0);
        assert!(!ended.stderr.contains("before the first step"), "{ended:#?}");
        assert!(choices(tmp.path(), out).tuned.is_empty());
    }
    let software = wgrad_testing::open(false).class == wgrad::op::AdapterClass::Cpu;
    let ended = train(tmp.path(), "default", &[]).with(0);
    assert_eq!(ended.stderr.contains("before the first step"), !software, "{ended:#?}");
    // A choice by hand is not tuned.
    let hand = ["--tune-first", "--tune-seconds", "0", "--variant", "matmul=naive"];
    train(tmp.path(), "hand", &hand).with(0);
    let tuned = choices(tmp.path(), "hand").tuned;
    assert!(!tuned.is_empty() && tuned.keys().all(|call| !call.starts_with("matmul ")), "{tuned:?}");
    assert!(kernels(tmp.path(), "hand").contains(&"matmul/naive".to_string()));
}

#[test]
fn a_cache_that_is_damaged_or_cannot_be_written_is_a_note() {
    let tmp = folder();
    let kept = keep(tmp.path(), "linear", 32, "naive");
    for file in fs::read_dir(tmp.path().join("tuned")).expect("lists") {
        fs::write(file.expect("a file").path(), "{\"adapter\": \"").expect("writes");
    }
    let ended = train(tmp.path(), "damaged", &[]).with(0);
    assert_eq!(ended.stderr.matches("is damaged").count(), kept, "{ended:#?}");
    assert!(choices(tmp.path(), "damaged").tuned.is_empty());
    let ended = train(tmp.path(), "anew", &["--tune", "--tune-seconds", "600"]).with(0);
    assert!(ended.stderr.contains("is damaged"), "{ended:#?}");
    assert!(!train(tmp.path(), "mended", &[]).with(0).stderr.contains("damaged"));

    let file = tmp.path().join("file");
    fs::write(&file, "").expect("writes");
    let data = small_data_argument();
    let arguments =
        ["train", "--model", "linear", "--data", &data, "--batch", "32", "--epochs", "1", "--out"];
    let ended = on_device(&[&arguments[..], &["unkept", "--tune", "--tune-seconds", "600"]].concat())
        .env("WGRAD_TUNED", file.join("tuned"))
        .inside(tmp.path())
        .end()
        .with(0);
    assert_eq!(ended.stderr.matches("not kept: ").count(), 1, "{ended:#?}");
    assert_eq!(choices(tmp.path(), "unkept").tuned.len(), kept);
    // For a command whose purpose is to keep the choices, it is an error.
    on_device(&["tune", "linear"])
        .env("WGRAD_TUNED", file.join("tuned"))
        .end()
        .refuses(&["cannot create", "tuned"]);
}

#[test]
fn bad_input_is_refused_in_words() {
    let tmp = folder();
    let refuse = |arguments: &[&str], words: &[&str]| wgrad(tmp.path(), arguments).end().refuses(words);
    wgrad(tmp.path(), &["tune", "mpl"]).end().refuses(&["unknown network `mpl`", "linear, mlp, cnn"]);
    refuse(&["tune", "--seconds", "long"], &["--seconds", "0 to 86400"]);
    refuse(&["tune", "--list", "--clear"], &["cannot be used with"]);
    refuse(&["train", "--tune", "--no-tuned"], &["cannot be used with"]);
    refuse(&["train", "--tune-seconds", "3"], &["--tune"]);
    refuse(&["train", "--tune-first", "--no-tune"], &["cannot be used with"]);
    refuse(&["train", "--tune", "--tune-first"], &["cannot be used with"]);
    refuse(&["train", "--tune", "--no-tune"], &["cannot be used with"]);
    refuse(&["train", "--no-tune", "--tune-seconds", "3"], &["--tune"]);
    refuse(&["train", "--resume", "x", "--tune"], &["cannot be used with"]);
}
