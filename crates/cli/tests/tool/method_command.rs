//! Optimizers, schedules and the ways to stop, as a user of `wgrad train`, `eval` and `lr-find` meets them. All on the
//! small fixture.

use crate::command::{Ended, on_device, small_data_argument};
use serde_json::Value;
use std::path::Path;
use wgrad_run::Run;

fn train(folder: &Path, args: &[&str]) -> Ended {
    let data = small_data_argument();
    on_device(&[&["train", "--data", &data, "--batch", "32", "--no-tuned"], args].concat())
        .inside(folder)
        .end()
}

fn resume(folder: &Path, args: &[&str]) -> Ended {
    on_device(&[&["train", "--resume"], args].concat()).inside(folder).end()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn last(folder: &Path, run: &str) -> Vec<u8> {
    std::fs::read(folder.join(run).join("last.safetensors")).expect("a checkpoint")
}

const EVERYTHING: [&str; 12] = [
    "--optimizer",
    "adamw",
    "--ema",
    "0.9",
    "--global-clipnorm",
    "0.5",
    "--schedule",
    "one-cycle",
    "--warmup-steps",
    "3",
    "--lr",
    "0.003",
];

#[test]
fn everything_at_once_is_recorded_resumed_and_evaluated() {
    let tmp = folder();
    train(tmp.path(), &[&EVERYTHING[..], &["--epochs", "3", "--out", "whole"]].concat()).with(0);
    // The time is over at once: the run is at its start, and prints how to continue.
    let ended = train(
        tmp.path(),
        &[&EVERYTHING[..], &["--epochs", "3", "--out", "parts", "--max-time", "0s"]].concat(),
    )
    .with(0);
    assert!(ended.stderr.contains("the time limit of 0 s is reached"), "{ended:#?}");
    assert!(ended.stderr.contains("wgrad train --resume parts"), "{ended:#?}");
    assert_eq!(Run::open(&tmp.path().join("parts")).expect("a run").metrics().expect("metrics"), []);
    resume(tmp.path(), &["parts"]).with(0);
    assert!(last(tmp.path(), "whole") == last(tmp.path(), "parts"), "the whole state");

    let text = std::fs::read_to_string(tmp.path().join("whole/run.json")).expect("a record");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let optimizer = &config["options"]["optimizer"];
    assert_eq!(optimizer["method"], "adamw");
    assert_eq!((&optimizer["weight_decay"], &optimizer["ema_momentum"]), (&0.004.into(), &0.9.into()));
    assert_eq!(config["options"]["schedule"]["decay"]["type"], "onecycle");

    let names = |file: &str| {
        let bytes = std::fs::read(tmp.path().join("whole").join(file)).expect("weights");
        let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        tensors.names().into_iter().map(str::to_string).collect::<Vec<_>>()
    };
    for name in
        ["dense_1.kernel", "optimizer.m.dense_1.kernel", "optimizer.v.dense_2.bias", "average.dense_1.bias"]
    {
        assert!(
            names("last.safetensors").contains(&name.to_string()),
            "{name} of {:?}",
            names("last.safetensors")
        );
    }
    assert_eq!(names("best.safetensors").len(), 4);

    // The average is evaluated and kept as best.
    for weights in [&["eval", "whole"][..], &["eval", "whole", "--last"]] {
        let ended = on_device(weights).inside(tmp.path()).end().with(0);
        assert!(
            ended.stderr.contains("identical, to the bit, to the metrics recorded during training"),
            "{ended:#?}"
        );
    }
    let run = Run::open(&tmp.path().join("whole")).expect("a run");
    let checkpoint = run.last().expect("loads");
    assert_ne!(checkpoint.weights, checkpoint.averages);
    assert_eq!(checkpoint.clone().for_use().weights, checkpoint.averages);
}

#[test]
fn early_stopping_stops_and_a_resumed_run_knows_it() {
    let tmp = folder();
    let args = ["--lr", "1e-30", "--epochs", "9", "--patience", "2", "--out", "run"];
    let ended = train(tmp.path(), &args).with(0);
    let best = Path::new("run").join("best.safetensors").display().to_string();
    let why = "stopped after epoch 3: test_loss has not improved since epoch 1 (--patience 2)";
    assert!(ended.stderr.contains(&format!("{why}; best weights: epoch 1, {best}")), "{ended:#?}");
    assert!(ended.stderr.contains("best epoch 1/3 by test_loss"), "{ended:#?}");
    // Without validation images, the test images that evaluate the weights also chose them.
    assert!(ended.stderr.contains("chosen on the test images"), "{ended:#?}");
    let ended = resume(tmp.path(), &["run"]).with(0);
    assert!(ended.stderr.contains("nothing to do: stopped after epoch 3"), "{ended:#?}");
    let run = Run::open(&tmp.path().join("run")).expect("a run");
    assert_eq!(run.metrics().expect("metrics").len(), 3);
    resume(tmp.path(), &["run", "--epochs", "4"]).with(0);
    assert_eq!(run.metrics().expect("metrics").len(), 4, "who asks for more gets it");
}

#[test]
fn a_warm_up_that_the_training_does_not_end_is_reported_before_it_begins() {
    let tmp = folder();
    let said = "warning: --warmup-steps is 1000000, and the whole training has ";
    let long = train(tmp.path(), &["--epochs", "1", "--warmup-steps", "1000000"]).with(0);
    assert!(long.stderr.contains(said) && long.stderr.contains("never reaches 0.05"), "{long:#?}");
    let short = train(tmp.path(), &["--epochs", "1", "--warmup-steps", "2"]).with(0);
    assert!(!short.stderr.contains("--warmup-steps"), "{short:#?}");
}

#[test]
fn one_number_decides_and_is_named() {
    let tmp = folder();
    let best = |run: &str| {
        let run = Run::open(&tmp.path().join(run)).expect("a run");
        run.best().expect("loads").position.epoch
    };
    let args = ["--epochs", "4", "--lr", "0.3", "--validation", "0.2", "--out"];
    for (monitor, run) in [("loss", "loss"), ("val_accuracy", "accuracy")] {
        let ended = train(tmp.path(), &[&args[..], &[run, "--monitor", monitor]].concat()).with(0);
        let lines = Run::open(&tmp.path().join(run)).expect("a run").metrics().expect("metrics");
        let of = |line: &wgrad_run::EpochLine| match run {
            "loss" => -line.validation_loss.expect("measured"),
            _ => line.validation_accuracy.expect("measured"),
        };
        let most = lines.iter().map(of).fold(f64::MIN, f64::max);
        let chosen = lines.iter().find(|line| line.epoch == best(run)).expect("an epoch");
        assert_eq!(of(chosen), most, "{lines:?}");
        assert!(ended.stderr.contains(&format!("best epoch {}/4 by val_{run}", best(run))), "{ended:#?}");
        assert!(!ended.stderr.contains("chosen on the test images"), "{ended:#?}");
    }
    train(tmp.path(), &["--monitor", "val_loss"]).refuses(&["--monitor", "--validation 0.1"]);
    train(tmp.path(), &["--lr", "0"]).refuses(&["--lr is 0", "lr-find"]);
}

#[test]
fn a_run_of_an_older_version_goes_on_as_it_was_begun() {
    let tmp = folder();
    train(tmp.path(), &["--epochs", "1", "--lr", "0.3", "--out", "old"]).with(0);
    let path = tmp.path().join("old/run.json");
    let text = std::fs::read_to_string(&path).expect("a record");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let callbacks = config["options"]["callbacks"].as_object_mut().expect("an object");
    assert_eq!(callbacks.remove("best"), Some("monitored".into()));
    std::fs::write(&path, config.to_string()).expect("writes");
    let ended = resume(tmp.path(), &["old", "--epochs", "4"]).with(0);
    assert!(ended.stderr.contains(" by test_accuracy"), "{ended:#?}");
    let run = Run::open(&tmp.path().join("old")).expect("a run");
    let lines = run.metrics().expect("metrics");
    let most = lines.iter().map(|line| line.test_accuracy).fold(0.0, f64::max);
    let first = lines.iter().find(|line| line.test_accuracy == most).expect("an epoch");
    assert_eq!(run.best().expect("loads").position.epoch, first.epoch, "{lines:?}");
}

#[test]
fn a_training_that_learns_nothing_is_reported_so() {
    let tmp = folder();
    let ended = train(tmp.path(), &["--epochs", "9", "--lr", "1e-30", "--out", "run"]).with(0);
    assert!(ended.stderr.contains("it learned nothing: accuracy "), "{ended:#?}");
    assert!(ended.stderr.contains(" lr-find --model mlp --data "), "{ended:#?}");
    let ended = train(tmp.path(), &["--epochs", "0", "--out", "none"]).with(0);
    assert!(ended.stderr.contains("--epochs 5") && !ended.stderr.contains("--epochs 0\n"), "{ended:#?}");
    let ended = train(tmp.path(), &["--epochs", "1", "--out", "few"]).with(0);
    assert!(
        ended.stderr.contains("note: only 16 steps: 512 images in batches of 32 make 16 per epoch"),
        "{ended:#?}"
    );
    // The printed commands can be pasted: with the program, the data and how they are read.
    let reported = ended.stderr.lines().find(|line| line.contains("--resume few")).expect("a command");
    assert!(reported.trim_start().starts_with(env!("CARGO_BIN_EXE_wgrad")), "{reported}");
}

#[test]
fn a_plateau_lowers_the_rate() {
    let tmp = folder();
    let args = ["--lr", "1e-9", "--epochs", "4", "--schedule", "plateau", "--plateau-patience", "1"];
    let ended = train(tmp.path(), &args).with(0);
    assert!(
        ended.stderr.contains("test_loss has not improved for 1 epoch: the learning rate is now"),
        "{ended:#?}"
    );
    for rate in ["1e-10", "1e-11"] {
        assert!(ended.stderr.contains(&format!("the learning rate is now {rate}")), "{ended:#?}");
    }
}

#[test]
fn a_target_that_is_reached_is_0_and_one_that_is_missed_is_1() {
    let tmp = folder();
    let ended = train(tmp.path(), &["--epochs", "9", "--target-accuracy", "0.3", "--out", "reached"]).with(0);
    assert!(ended.stderr.contains("the accuracy of 0.3 was reached"), "{ended:#?}");
    let epochs = Run::open(&tmp.path().join("reached")).expect("a run").metrics().expect("metrics").len();
    assert!(epochs < 9, "{epochs}");
    let ended = train(tmp.path(), &["--epochs", "1", "--lr", "1e-30", "--target-accuracy", "1"]).with(1);
    assert!(ended.stderr.contains("the target was missed"), "{ended:#?}");
}

#[test]
fn a_recipe_is_recorded_with_the_settings_that_come_of_it_and_goes_on_without_its_name() {
    let tmp = folder();
    let args = ["--recipe", "mlp", "--epochs", "2"];
    train(tmp.path(), &[&args[..], &["--out", "whole"]].concat()).with(0);
    train(tmp.path(), &[&args[..], &["--out", "parts", "--max-time", "0s"]].concat()).with(0);
    let config = Run::open(&tmp.path().join("parts")).expect("a run").config;
    assert_eq!((config.recipe.as_deref(), config.model.name.as_str()), (Some("mlp"), "mlp"));
    let recipe = wgrad_run::recipe::recipe("mlp").expect("there").options();
    assert_eq!((config.options.optimizer, config.options.schedule), (recipe.optimizer, recipe.schedule));
    assert_eq!((config.options.epochs, config.options.batch), (2, 32), "the command line beats the recipe");
    resume(tmp.path(), &["parts"]).with(0);
    assert!(last(tmp.path(), "whole") == last(tmp.path(), "parts"), "the whole state");
    train(tmp.path(), &["--recipe", "mpl"]).refuses(&["mpl", "mlp"]);
    resume(tmp.path(), &["parts", "--recipe", "mlp"]).refuses(&["--recipe", "--resume"]);
}

#[test]
fn the_time_to_a_target_is_reported_and_can_be_summed_from_the_metrics() {
    let tmp = folder();
    let args = ["--recipe", "speedrun-90", "--model", "mlp", "--target-accuracy", "0.3", "--out", "run"];
    let ended = train(tmp.path(), &args).with(0);
    let line = ended.stdout.lines().find(|line| line.starts_with("time to the target: ")).expect("told");
    let numbers: Vec<f64> = line.split([' ', ':']).filter_map(|word| word.parse().ok()).collect();
    let [all, train, evaluation, compiling] = numbers[..] else { panic!("{line}") };
    assert!((all - train - evaluation).abs() < 0.02 && compiling >= 0.0, "{line}");
    let lines = Run::open(&tmp.path().join("run")).expect("a run").metrics().expect("metrics");
    let sum = |of: fn(&wgrad_run::EpochLine) -> Option<f64>| {
        lines.iter().map(|l| of(l).expect("kept")).sum::<f64>()
    };
    assert!((sum(|line| line.train_seconds) - train).abs() < 0.01, "{line}");
    assert!((sum(|line| line.evaluation_seconds) - evaluation).abs() < 0.01, "{line}");
}

#[test]
fn every_optimizer_and_schedule_trains() {
    let tmp = folder();
    let pairs = [
        ("rmsprop", "exponential"),
        ("adagrad", "restarts"),
        ("lion", "one-cycle"),
        ("adagrad", "one-cycle"),
        ("adam", "step"),
        ("muon", "cosine"),
    ];
    for (optimizer, schedule) in pairs {
        let args = ["--epochs", "3", "--json", "--optimizer", optimizer, "--schedule", schedule];
        let lines = train(tmp.path(), &args).with(0).json();
        let loss = |n: usize| lines[n]["train_loss"].as_f64().expect("a number");
        assert!(loss(2) < loss(0), "{optimizer} with {schedule}: {lines:?}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let tmp = folder();
    let refused = |args: &[&str], words: &[&str]| train(tmp.path(), args).refuses(words);
    refused(&["--optimizer", "adam", "--beta-1", "1"], &["--beta-1 is 1", "below 1"]);
    refused(&["--optimizer", "adam", "--epsilon", "0"], &["--epsilon is 0", "above 0"]);
    refused(
        &["--optimizer", "adam", "--momentum", "0.9"],
        &["adam` takes no --momentum", "sgd, rmsprop, muon"],
    );
    refused(&["--beta-2", "0.9"], &["sgd` takes no --beta-2", "adam, adamw, lion, muon"]);
    refused(&["--optimizer", "muon", "--ns-steps", "0"], &["--ns-steps is 0", "from 1"]);
    refused(&["--optimizer", "adam", "--rms-rate", "0.1"], &["adam` takes no --rms-rate", "muon"]);
    refused(&["--optimizer", "adamx"], &["adamx", "adamw"]);
    refused(&["--global-clipnorm", "0"], &["--global-clipnorm is 0"]);
    refused(&["--ema", "1"], &["--ema is 1"]);
    refused(&["--ema", "NaN"], &["--ema is NaN"]);
    refused(&["--schedule", "plateau", "--decay", "1"], &["--decay is 1", "below 1"]);
    refused(&["--schedule", "one-cycle", "--cycle-momentum", "1"], &["0.85,0.95"]);
    refused(
        &["--schedule", "one-cycle", "--momentum", "0", "--cycle-momentum", "0.8,0.9"],
        &["--cycle-momentum"],
    );
    refused(&["--schedule", "restarts", "--restart-longer", "0.5"], &["--restart-longer is 0.5", "from 1"]);
    refused(&["--target-accuracy", "92"], &["--target-accuracy is 92", "0 to 1"]);
    refused(&["--max-time", "soon"], &["60s, 10m or 2h"]);
    refused(&["--resume", "run", "--optimizer", "adam"], &["--optimizer", "--resume"]);
}

fn lr_find(folder: &Path, args: &[&str]) -> Ended {
    let data = small_data_argument();
    on_device(&[&["lr-find", "--data", &data, "--batch", "32"], args].concat()).inside(folder).end()
}

#[test]
fn a_learning_rate_is_found_and_drawn() {
    let tmp = folder();
    let files = ["--csv", "rate.csv", "--html", "rate.html", "--svg", "rate.svg"];
    let found = lr_find(tmp.path(), &[&["--json", "--steps", "80"][..], &files].concat()).with(0).json();
    let suggestion = found[0]["suggestion"].as_f64().expect("a rate");
    assert!((1e-3..1.0).contains(&suggestion), "{suggestion}");
    assert_eq!(found[0]["diverged"], true, "nobody trains at a rate of 10");
    let samples = found[0]["samples"].as_array().expect("steps");
    let rate = |n: usize| samples[n]["learning_rate"].as_f64().expect("a rate");
    assert!(rate(0) == 1e-5 && samples.len() < 80);
    let (step, whole) = (rate(1) / rate(0), 10f64.powf(6.0 / 79.0));
    assert!((step - whole).abs() < 1e-9, "{step}, expected {whole}");
    let text = |name: &str| std::fs::read_to_string(tmp.path().join(name)).expect("written");
    assert_eq!(text("rate.csv").lines().count(), samples.len() + 1);
    assert!(text("rate.svg").starts_with("<svg") && text("rate.html").contains("<svg"));
    assert!(text("rate.html").contains("suggested learning rate"));
    let again = lr_find(tmp.path(), &["--json", "--steps", "80"]).with(0).json();
    assert!(again == found, "the same seed finds the same");
}

#[test]
fn ranges_that_make_no_sense_are_refused_and_none_is_suggested_where_nothing_falls() {
    let tmp = folder();
    lr_find(tmp.path(), &["--from", "0"]).refuses(&["--from is 0"]);
    lr_find(tmp.path(), &["--from", "1", "--to", "0.1"]).refuses(&["--to is 0.1", "--from"]);
    lr_find(tmp.path(), &["--steps", "3"]).refuses(&["--steps is 3", "at least 20"]);
    lr_find(tmp.path(), &["--lr", "1"]).refuses(&["takes no --lr"]);
    lr_find(tmp.path(), &["--html", "no/such/folder.html"]).refuses(&["no/such/folder.html"]);
    let ended = lr_find(tmp.path(), &["--from", "100", "--to", "1000", "--steps", "40"]).with(1);
    assert!(ended.stdout.contains("no learning rate is suggested"), "{ended:#?}");
}
