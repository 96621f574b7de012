//! The state of a run under all disturbances: two processes at once, files that are damaged, gone or of an older
//! version, folders that vanish, names that are no names. Kills and failing writes: `scripts/kill_storm.sh` and
//! `scripts/write_errors.sh`.

use crate::command::{Ended, on_device, small_data_argument};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use wgrad::checkpoint::Checkpoint;
use wgrad_run::Run;

/// The run of an older version, as `scripts/make_run_fixture.sh` made it, put into `folder`; how it was trained.
const OLD: &str = "run-0.1";
const METHOD: [&str; 7] = ["--optimizer", "adam", "--lr", "0.02", "--ema", "0.5", "--no-tuned"];

fn old_run(folder: &Path) {
    fs::create_dir(folder).expect("made");
    for name in ["run.json", "metrics.jsonl", "layers.jsonl", "last.safetensors", "best.safetensors"] {
        let bytes = fs::read(wgrad_testing::fixture(OLD).join(name)).expect("a fixture");
        fs::write(folder.join(name), bytes).expect("written");
    }
    let config = fs::read_to_string(folder.join("run.json")).expect("reads");
    let data = serde_json::to_string(&small_data_argument()).expect("a path");
    fs::write(folder.join("run.json"), config.replace("\"PARITY\"", &data)).expect("written");
}

fn wgrad(folder: &Path, arguments: &[&str]) -> Ended {
    on_device(arguments).inside(folder).end()
}

/// A small training of so many epochs into `out`.
fn train(folder: &Path, epochs: &str, out: &str) -> Ended {
    let model = wgrad_testing::fixture(OLD).join("pooled.toml");
    let data = small_data_argument();
    let fixed = ["train", "--model", model.to_str().expect("readable"), "--data", &data, "--batch", "128"];
    wgrad(folder, &[&fixed[..], &METHOD, &["--epochs", epochs, "--out", out]].concat())
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[track_caller]
fn same(a: &Path, b: &Path) {
    for name in ["last.safetensors", "best.safetensors", "layers.jsonl"] {
        assert!(read(a, name) == read(b, name), "{name} differs");
    }
    let lines = |run: &Path| -> Vec<_> {
        let lines = Run::open(run).expect("a run").metrics().expect("metrics");
        lines.into_iter().map(|line| line.without_times()).collect()
    };
    assert_eq!(lines(a), lines(b));
}

fn flip(folder: &Path, name: &str, from_the_end: usize) {
    let mut bytes = read(folder, name);
    let at = bytes.len() - from_the_end;
    bytes[at] ^= 1;
    fs::write(folder.join(name), bytes).expect("written");
}

/// Bits depend on the adapter: those of the fixture are asked for only where it was made on this one.
#[test]
fn a_run_of_an_older_version_goes_on_to_its_bits() {
    let tmp = tempfile::tempdir().expect("a folder");
    let (old, whole) = (tmp.path().join("old"), tmp.path().join("whole"));
    old_run(&old);
    let run = Run::open(&old).expect("opens");
    let last = run.last().expect("loads");
    assert_eq!((last.position.epoch, last.position.best, last.slots.len()), (2, 0.46875, 2));
    assert_eq!(run.best().expect("loads").weights, last.clone().for_use().weights);
    assert_eq!(run.metrics().expect("reads").len(), 2);
    let said = wgrad(tmp.path(), &["train", "--resume", "old", "--epochs", "3"]).with(0).stderr;
    assert!(said.contains("resuming old at epoch 3") && !said.contains("warning: the best"), "{said}");
    assert_eq!(Run::open(&old).expect("opens").metrics().expect("reads").len(), 3);
    train(tmp.path(), "3", "whole").with(0);
    let made_here = Run::open(&whole).expect("opens").config.adapter == run.config.adapter;
    if made_here {
        same(&old, &whole);
    }
}

/// Older versions that were killed between the two files left `best` an epoch behind for ever.
#[test]
fn the_best_weights_of_an_older_run_are_those_that_it_says() {
    let tmp = tempfile::tempdir().expect("a folder");
    let old = tmp.path().join("old");
    let weights = |name: &str| {
        Run::open(&old).and_then(|run| match name {
            "best" => run.best(),
            _ => run.last(),
        })
    };
    for left in [Some("best-of-1.safetensors"), None] {
        if old.exists() {
            fs::remove_dir_all(&old).expect("removed");
        }
        old_run(&old);
        let right = weights("best").expect("loads");
        fs::remove_file(old.join("best.safetensors")).expect("removed");
        if let Some(name) = left {
            fs::copy(wgrad_testing::fixture(OLD).join(name), old.join("best.safetensors")).expect("copied");
            // Commands that only read get the right ones.
            assert_eq!(weights("best").expect("loads").weights, right.weights);
        }
        let said = wgrad(tmp.path(), &["train", "--resume", "old"]).with(0).stderr;
        assert!(said.contains("the weights of epoch 2 are the best ones"), "{said}");
        let mended = fs::read(old.join("best.safetensors")).expect("is there");
        let parameters = Run::open(&old).expect("opens").config.model.parameters().expect("fits");
        let mended = Checkpoint::from_bytes("best", &mended, &parameters).expect("loads");
        assert_eq!(mended.weights, right.weights);
        assert_eq!(mended.position, right.position);
    }
}

/// A training that goes on until the test ends.
struct Long(Child);

impl Drop for Long {
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.0.kill();
        let (Ok(_) | Err(_)) = self.0.wait();
    }
}

/// Starts it, and waits until an epoch is done.
fn long(folder: &Path) -> Long {
    let model = wgrad_testing::fixture(OLD).join("pooled.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.args(["train", "--epochs", "1000000", "--out", "run", "--batch", "128", "--model"]).arg(model);
    command.args(["--data", &small_data_argument()]).args(METHOD).current_dir(folder);
    if let Some(adapter) = std::env::var("WGRAD_TEST_ADAPTER").ok().filter(|name| !name.is_empty()) {
        command.args(["--adapter", &adapter]);
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let begun = Instant::now();
    while !folder.join("run/best.safetensors").exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no epoch ended within two minutes");
        sleep(Duration::from_millis(10));
    }
    Long(child)
}

#[test]
fn a_run_has_one_writer_at_a_time_and_readers_at_any() {
    let tmp = tempfile::tempdir().expect("a folder");
    let mut first = long(tmp.path());
    let process = format!("process {}", first.0.id());
    // On Windows a locked file cannot be read.
    let who = if cfg!(windows) { "another process" } else { &process };
    wgrad(tmp.path(), &["train", "--resume", "run"]).refuses(&["run is in use", who]);
    train(tmp.path(), "1", "run").refuses(&["run is in use", who]);
    wgrad(tmp.path(), &["eval", "run"]).with(0);
    wgrad(tmp.path(), &["eval", "run", "--last"]).with(0);
    assert!(first.0.try_wait().expect("asks").is_none(), "it was disturbed");
    // The lock goes with the process, however that ends.
    drop(first);
    let epoch = Run::open(&tmp.path().join("run")).expect("opens").last().expect("loads").position.epoch;
    wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", &epoch.to_string()]).with(0);
    let left = fs::read_dir(tmp.path().join("run")).expect("lists").map(|e| e.expect("there").file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn of_two_trainings_into_one_folder_one_is_made() {
    let tmp = tempfile::tempdir().expect("a folder");
    let path = tmp.path().to_owned();
    let both = [0, 1].map(|_| {
        let path = path.clone();
        std::thread::spawn(move || train(&path, "2", "run"))
    });
    let mut ended = both.map(|thread| thread.join().expect("ends"));
    ended.sort_by_key(|ended| ended.code);
    let [made, refused] = ended;
    made.with(0);
    refused.refuses(&["run "]);
    train(tmp.path(), "2", "alone").with(0);
    same(&tmp.path().join("run"), &tmp.path().join("alone"));
}

#[cfg(unix)]
#[test]
fn a_folder_that_vanishes_is_reported_truthfully() {
    let tmp = tempfile::tempdir().expect("a folder");
    let mut first = long(tmp.path());
    fs::rename(tmp.path().join("run"), tmp.path().join("elsewhere")).expect("moved");
    let begun = Instant::now();
    while first.0.try_wait().expect("asks").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(first.0.wait().expect("ended").code(), Some(2));
    let mut said = String::new();
    std::io::Read::read_to_string(first.0.stderr.as_mut().expect("piped"), &mut said).expect("reads");
    assert!(
        said.contains("nothing is left of the run") && !said.contains("the last good state is"),
        "{said}"
    );
    assert!(!tmp.path().join("run").exists());
}

#[test]
fn a_damaged_state_is_named_and_not_gone_on_from() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "2", "run").with(0);
    let run = tmp.path().join("run");
    let kept = read(&run, "best.safetensors");
    flip(&run, "best.safetensors", 1);
    let damaged = ["best.safetensors: is damaged", "SHA-256", "--last"];
    wgrad(tmp.path(), &["eval", "run"]).refuses(&damaged);
    wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "3"]).refuses(&damaged);
    wgrad(tmp.path(), &["eval", "run", "--last"]).with(0);
    fs::write(run.join("best.safetensors"), kept).expect("written");
    let metrics = read(&run, "metrics.jsonl");
    flip(&run, "last.safetensors", 100);
    let damaged = ["last.safetensors: is damaged", "SHA-256"];
    wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "3"]).refuses(&damaged);
    assert_eq!(read(&run, "metrics.jsonl"), metrics, "its lines are gone");
    // Without the file, the error names the way to continue.
    fs::remove_file(run.join("last.safetensors")).expect("removed");
    wgrad(tmp.path(), &["train", "--resume", "run"]).refuses(&[
        "has no last.safetensors",
        "2 epochs",
        "--init",
    ]);
    let init = ["--init", "run/best.safetensors", "--data", &small_data_argument(), "--out", "again"];
    let model = wgrad_testing::fixture(OLD).join("pooled.toml");
    let model = ["train", "--epochs", "1", "--model", model.to_str().expect("readable")];
    wgrad(tmp.path(), &[&model[..], &init].concat()).with(0);
}

#[test]
fn best_weights_that_are_lost_are_reported_as_such() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "3", "run").with(0);
    let run = tmp.path().join("run");
    // The first epoch was the best.
    let lines = Run::open(&run).expect("opens").metrics().expect("reads");
    let changed = lines.iter().map(|line| {
        let test_loss = if line.epoch == 1 { 1e-9 } else { line.test_loss };
        serde_json::to_string(&wgrad_run::EpochLine { test_loss, ..*line }).expect("JSON") + "\n"
    });
    fs::write(run.join("metrics.jsonl"), changed.collect::<String>()).expect("written");
    fs::remove_file(run.join("best.safetensors")).expect("removed");
    let lost = ["has no best.safetensors", "the best weights are lost", "after epoch 3 by `--last`"];
    wgrad(tmp.path(), &["eval", "run"]).refuses(&lost);
    wgrad(tmp.path(), &["export", "run", "--safetensors", "out.safetensors"]).refuses(&lost);
    let said = wgrad(tmp.path(), &["eval", "run", "--last"]).with(0).stderr;
    assert!(said.contains("last weights of run, after epoch 3"), "{said}");

    let said = wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "4"]).with(0).stderr;
    for words in ["best weights of this run are lost: there was no best.safetensors", "best epoch 1/4"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(said.contains("whose weights are lost: run/best.safetensors has those of epoch 4"), "{said}");
    assert_eq!(Run::open(&run).expect("opens").best().expect("is there").position.epoch, 4);
    let said = wgrad(tmp.path(), &["eval", "run"]).with(0).stderr;
    for words in ["best weights of run, after epoch 4", "the best epoch was 1, whose weights were lost"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(!said.contains("were chosen as the best of"), "{said}");
}

#[test]
fn fewer_epochs_than_are_done_are_refused_and_change_nothing() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "2", "run").with(0);
    let run = tmp.path().join("run");
    let before = read(&run, "run.json");
    for fewer in ["0", "1"] {
        let asked = format!("--epochs asks for {fewer}");
        wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", fewer]).refuses(&[
            "run has already trained 2 epochs",
            &asked,
            "`--epochs 3`",
        ]);
        assert_eq!(read(&run, "run.json"), before, "it was changed");
    }
    let said = wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "2"]).with(0).stderr;
    assert!(said.contains("nothing to do: the run already has 2 of 2 epochs"), "{said}");
    assert_eq!(read(&run, "run.json"), before);
    wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "3"]).with(0);
    train(tmp.path(), "3", "whole").with(0);
    same(&tmp.path().join("whole"), &run);
}

/// The text of a run's `run.json` with another value at a place that may be new.
fn edited(text: &[u8], parent: &str, name: &str, value: serde_json::Value) -> String {
    let mut config: serde_json::Value = serde_json::from_slice(text).expect("JSON");
    let parent = config.pointer_mut(parent).expect("is there").as_object_mut().expect("an object");
    parent.insert(name.to_string(), value);
    config.to_string()
}

#[test]
fn what_was_changed_in_a_run_json_is_named_and_not_gone_on_with() {
    use serde_json::json;
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "1", "run").with(0);
    let run = tmp.path().join("run");
    let (config, last) = (read(&run, "run.json"), read(&run, "last.safetensors"));
    let on = ["train", "--resume", "run", "--epochs", "2"];
    let decides = [
        ("/options", "batch", json!(64), "`options.batch` is 64, it was trained with 128"),
        ("/options", "seed", json!(1), "`options.seed` is 1, it was trained with 0"),
        ("/options", "shuffle", json!(false), "`options.shuffle` is false, it was trained with true"),
        ("/options/optimizer", "learning_rate", json!(0.5), "is 0.5, it was trained with 0.02"),
        ("/options/optimizer", "method", json!("lion"), "is \"lion\", it was trained with \"adam\""),
        ("/options/schedule", "warmup_steps", json!(9), "`options.schedule.warmup_steps` is 9"),
        ("/options/callbacks", "target_accuracy", json!(0.9), "is 0.9, it was trained with null"),
        ("/options", "objective", json!({"label_smoothing": 0.5}), "`options.objective` is {"),
        ("/model/layers/0", "padding", json!("same"), "`model.layers[0].padding` is \"same\""),
        ("/data", "limit", json!(256), "`data.limit` is 256, it was trained with null"),
        ("/data", "classes", json!(["1", "0"]), "`data.classes` is [\"1\",\"0\"], it was trained with ["),
    ];
    for (parent, name, value, words) in decides {
        fs::write(run.join("run.json"), edited(&config, parent, name, value)).expect("written");
        wgrad(tmp.path(), &on).refuses(&[words, "run.json", "put it back", "--init run/last.safetensors"]);
        assert!(read(&run, "last.safetensors") == last, "{words}: it went on");
    }
    // What decides nothing may change, and the run still ends in the same bits.
    train(tmp.path(), "2", "whole").with(0);
    let mut free = String::from_utf8(config).expect("UTF-8");
    for (parent, name, value) in [("/options", "budget", json!(1 << 20)), ("/model", "name", json!("mine"))] {
        free = edited(free.as_bytes(), parent, name, value);
    }
    fs::write(run.join("run.json"), free).expect("written");
    wgrad(tmp.path(), &on).with(0);
    same(&tmp.path().join("whole"), &run);
}

#[test]
fn what_is_no_line_is_dropped_at_the_end_and_named_before_it() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "3", "whole").with(0);
    for (n, torn) in
        [&b"garbage\n"[..], b"\xff\xfe\n{\"epoch\":3}\n", b"{\"epoch\":3,\"st"].iter().enumerate()
    {
        let (name, run) = (format!("run-{n}"), tmp.path().join(format!("run-{n}")));
        train(tmp.path(), "2", &name).with(0);
        let whole = [read(&run, "metrics.jsonl"), read(&run, "layers.jsonl")];
        for (name, whole) in ["metrics.jsonl", "layers.jsonl"].iter().zip(&whole) {
            fs::write(run.join(name), [&whole[..], torn].concat()).expect("written");
        }
        wgrad(tmp.path(), &["eval", &name]).with(0);
        let said = wgrad(tmp.path(), &["train", "--resume", &name, "--epochs", "3"]).with(0).stderr;
        for name in ["metrics.jsonl", "layers.jsonl"] {
            assert!(said.contains(&format!("warning: the end of {name}, from line 3, is damaged")), "{said}");
        }
        same(&tmp.path().join("whole"), &run);
    }
    // Before the end: what it says is done, and then it goes on.
    for name in ["metrics.jsonl", "layers.jsonl"] {
        let run = tmp.path().join("whole");
        let whole = String::from_utf8(read(&run, name)).expect("UTF-8");
        let lines: Vec<&str> = whole.lines().collect();
        fs::write(run.join(name), format!("{}\n{{}}\n{}\n", lines[0], lines[2])).expect("written");
        let on = ["train", "--resume", "whole", "--epochs", "4"];
        wgrad(tmp.path(), &on).refuses(&[&format!("damaged line 2 in {name}"), "delete it"]);
        fs::write(run.join(name), format!("{}\n{}\n", lines[0], lines[2])).expect("written");
        wgrad(tmp.path(), &["train", "--resume", "whole"]).with(0);
    }
    wgrad(tmp.path(), &["train", "--resume", "whole", "--epochs", "4"]).with(0);
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_or_a_pipe_is_refused() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "1", "run").with(0);
    let (run, other) = (tmp.path().join("run"), tmp.path().join("other"));
    let lock = run.join("run.lock");
    fs::write(&other, "somebody else's").expect("written");
    let fresh = tmp.path().join("fresh");
    fs::create_dir(&fresh).expect("made");
    for there in [&other, &tmp.path().join("nowhere")] {
        for folder in [&run, &fresh] {
            let (Ok(()) | Err(_)) = fs::remove_file(folder.join("run.lock"));
            std::os::unix::fs::symlink(there, folder.join("run.lock")).expect("linked");
        }
        let refused = |folder: &'static str| [folder, "run.lock", "is a link", "remove it"];
        wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "2"])
            .refuses(&refused("cannot lock run"));
        let said = train(tmp.path(), "1", "fresh").with(2).stderr;
        assert!(refused("cannot lock fresh").iter().all(|words| said.contains(words)), "{said}");
    }
    assert_eq!(fs::read_to_string(&other).expect("reads"), "somebody else's");
    assert!(!tmp.path().join("nowhere").exists());
    fs::remove_file(&lock).expect("removed");
    assert!(Command::new("mkfifo").arg(&lock).status().expect("runs").success());
    wgrad(tmp.path(), &["train", "--resume", "run"]).refuses(&["cannot lock run", "not a regular file"]);
    // The advice of the message works.
    fs::remove_file(&lock).expect("removed");
    wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", "2"]).with(0);
}

#[test]
fn a_run_that_never_saved_anything_starts_again() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "2", "whole").with(0);
    let whole = tmp.path().join("whole");
    let killed = tmp.path().join("killed");
    fs::create_dir(&killed).expect("made");
    for name in ["run.json", "run.lock"] {
        fs::copy(whole.join(name), killed.join(name)).expect("copied");
    }
    fs::write(killed.join(".tmpAbCdEf"), "half of a state").expect("written");
    train(tmp.path(), "2", "killed").refuses(&["before anything was saved", "wgrad train --resume killed"]);
    let said = wgrad(tmp.path(), &["train", "--resume", "killed"]).with(0).stderr;
    assert!(said.contains("it starts from the beginning"), "{said}");
    same(&whole, &killed);
    assert!(!killed.join(".tmpAbCdEf").exists());
}

#[test]
fn no_number_that_came_with_a_file_is_none_of_the_trainings() {
    let tmp = tempfile::tempdir().expect("a folder");
    train(tmp.path(), "1", "run").with(0);
    let run = Run::open(&tmp.path().join("run")).expect("opens");
    let mut weights = run.best().expect("loads");
    let parameters = run.config.model.parameters().expect("fits");
    let kernel = parameters.iter().find(|p| p.name == "dense_1.kernel").expect("there");
    weights.weights[kernel.offset + 33] = f32::NAN;
    let bytes = weights.to_bytes(&parameters).expect("writes");
    fs::write(tmp.path().join("nan.safetensors"), bytes).expect("written");
    let model = wgrad_testing::fixture(OLD).join("pooled.toml");
    let model = ["train", "--model", model.to_str().expect("readable"), "--data", &small_data_argument()];
    let ended = wgrad(tmp.path(), &[&model[..], &["--init", "nan.safetensors", "--out", "no"]].concat());
    let said = ended.with(2).stderr;
    for words in ["nan.safetensors", "`dense_1.kernel`[33] is NaN", "came with the file"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("good ones") && !tmp.path().join("no").exists(), "{said}");
}

#[test]
fn a_name_from_a_file_stays_inside_and_acts_on_no_terminal() {
    let tmp = tempfile::tempdir().expect("a folder");
    let inside = tmp.path().join("a/b");
    fs::create_dir_all(&inside).expect("made");
    let text = fs::read_to_string(wgrad_testing::fixture(OLD).join("pooled.toml")).expect("reads");
    let data = small_data_argument();
    for (n, name) in ["../../out", "..", "", "x/y", "\\u001b[2Jx"].iter().enumerate() {
        let file = format!("{n}.toml");
        let named = text.replacen("name = \"pooled\"", &format!("name = \"{name}\""), 1);
        fs::write(inside.join(&file), named).expect("written");
        let file = format!("./{file}");
        let train = ["train", "--model", &file, "--data", &data, "--epochs", "0", "--limit", "64"];
        let ended = wgrad(&inside, &train).with(0);
        assert!(
            inside.join(format!("runs/model-{}", n + 1)).join("run.json").is_file(),
            "{name:?}: {ended:#?}"
        );
        let reported = wgrad(&inside, &["models", &file]).with(0);
        for said in [ended.stdout, ended.stderr, reported.stdout, reported.stderr] {
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
    }
    let there: Vec<_> =
        fs::read_dir(tmp.path()).expect("lists").map(|e| e.expect("there").file_name()).collect();
    assert_eq!(there, ["a"]);
    assert_eq!(fs::read_dir(tmp.path().join("a")).expect("lists").count(), 1);
}
