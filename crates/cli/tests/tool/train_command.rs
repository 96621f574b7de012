//! `wgrad train` as a user meets it: resume, Ctrl-C, kill, a full disk, a loss that explodes, bad input.
//! All on the small fixture, so that a run takes a second.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use wgrad::checkpoint::Checkpoint;
use wgrad_run::Run;

/// A command in `folder` on the adapter under test and the small data set.
fn wgrad(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.current_dir(folder).args(args).env("WGRAD_TUNED", folder.join("tuned"));
    // Each kernel is proven once for all tests.
    command.env("WGRAD_PROVEN", Path::new(env!("CARGO_TARGET_TMPDIR")).join("proven"));
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default();
    if !adapter.is_empty() {
        command.args(["--adapter", &adapter]);
    }
    command
}

/// `wgrad train` on the small data set.
fn train(folder: &Path, args: &[&str]) -> Command {
    let data = wgrad_testing::fixture("parity");
    let data = data.to_str().expect("a readable path").to_string();
    let batch: &[&str] = if args.contains(&"--batch") { &[] } else { &["--batch", "32"] };
    wgrad(folder, &[&["train", "--data", &data], batch, args].concat())
}

fn run(mut command: Command) -> Output {
    command.output().expect("the binary starts")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn succeeds(command: Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// Asserts exit code 2 and a message that has all of `parts`, without a panic.
#[track_caller]
fn refuses(command: Command, parts: &[&str]) {
    let output = run(command);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn last(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("last.safetensors")).expect("a checkpoint")
}

/// The metrics without the speed, which no two runs share.
fn metrics(folder: &Path) -> Vec<String> {
    let lines = Run::open(folder).expect("a run").metrics().expect("metrics");
    lines.into_iter().map(|line| format!("{:?}", line.without_times())).collect()
}

fn state(run: &Path) -> Checkpoint {
    Run::open(run).expect("a run").last().expect("loads")
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    let tmp = folder();
    succeeds(train(tmp.path(), &["--model", "cnn", "--epochs", "3", "--out", "whole"]));
    succeeds(train(tmp.path(), &["--model", "cnn", "--epochs", "1", "--out", "parts"]));
    let said = succeeds(wgrad(tmp.path(), &["train", "--resume", "parts", "--epochs", "3"]));
    assert!(said.contains("resuming parts at epoch 2\n"), "{said}");
    let (whole, parts) = (tmp.path().join("whole"), tmp.path().join("parts"));
    assert!(last(&whole) == last(&parts), "weights, optimizer state or position differ");
    assert_eq!(metrics(&whole), metrics(&parts));
    assert_eq!(metrics(&whole).len(), 3);
    let layers = |run: &Path| Run::open(run).expect("a run").layers().expect("norms");
    assert_eq!(layers(&whole), layers(&parts));
    let last = &layers(&whole)[2];
    assert_eq!((last.epoch, last.tensors.len()), (3, 6));
    assert!(last.tensors.iter().all(|t| t.gradient > Some(0.0) && t.change > Some(0.0)), "{last:?}");
    let best = |run: &Path| std::fs::read(run.join("best.safetensors")).expect("the best weights");
    assert!(best(&whole) == best(&parts));
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let tmp = folder();
    for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        succeeds(train(tmp.path(), &["--epochs", "1", "--seed", seed, "--out", name]));
    }
    let [a, b, c] = ["a", "b", "c"].map(|name| last(&tmp.path().join(name)));
    assert!(a == b, "one seed, two results");
    assert!(a != c, "the seed changes nothing");
}

#[cfg(unix)]
fn signal(process: &Training, name: &str) {
    wgrad_testing::signal(process.0.id(), name);
}

/// A training in the background, which ends with the test even where that fails.
#[cfg(unix)]
struct Training(std::process::Child);

#[cfg(unix)]
impl Drop for Training {
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.0.kill();
        let (Ok(_) | Err(_)) = self.0.wait();
    }
}

#[cfg(unix)]
impl Training {
    /// Its exit code and output, within a minute.
    fn ends(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.0.try_wait().expect("waits").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
            sleep(Duration::from_millis(20));
        }
        let code = self.0.wait().expect("ended").code();
        let mut said = String::new();
        std::io::Read::read_to_string(self.0.stderr.as_mut().expect("piped"), &mut said).expect("reads");
        (code, said)
    }
}

/// Starts a training that would take minutes and waits until it has made its run folder.
#[cfg(unix)]
fn long_training(tmp: &Path, args: &[&str]) -> (Training, PathBuf) {
    let mut command = train(tmp, &[&["--epochs", "100000", "--out", "run"], args].concat());
    let child = Training(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts"));
    let run = tmp.join("run");
    let begun = Instant::now();
    while !run.join("metrics.jsonl").exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "no epoch ended within two minutes");
        sleep(Duration::from_millis(20));
    }
    (child, run)
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_the_run_goes_on_to_the_same_bits() {
    let tmp = folder();
    let (child, run) = long_training(tmp.path(), &[]);
    signal(&child, "INT");
    let (code, said) = child.ends();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("wgrad train --resume run"), "{said}");
    let stopped = state(&run).position;
    let epochs = (stopped.epoch + 2).to_string();
    succeeds(wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", &epochs]));
    succeeds(train(tmp.path(), &["--epochs", &epochs, "--out", "whole"]));
    assert!(last(&run) == last(&tmp.path().join("whole")), "stopped at {stopped:?}");
    assert_eq!(metrics(&run), metrics(&tmp.path().join("whole")));
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_heard_where_an_epoch_is_a_single_submission() {
    let tmp = folder();
    let (child, run) = long_training(tmp.path(), &["--limit", "64"]);
    sleep(Duration::from_millis(300));
    signal(&child, "INT");
    let (code, said) = child.ends();
    assert_eq!(code, Some(130), "{said}");
    assert!(state(&run).position.epoch > 0);
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_a_checkpoint_that_loads() {
    for delay in [0, 3, 11, 29, 50] {
        let tmp = folder();
        let (child, run) = long_training(tmp.path(), &[]);
        sleep(Duration::from_millis(delay));
        signal(&child, "KILL");
        child.ends();
        let position = state(&run).position;
        let epochs = (position.epoch + 1).to_string();
        succeeds(wgrad(tmp.path(), &["train", "--resume", "run", "--epochs", &epochs]));
        assert_eq!(metrics(&run).len() as u64, position.epoch + 1, "every epoch has one line");
    }
}

#[test]
fn an_exploding_loss_stops_the_run_and_keeps_the_last_good_state() {
    let tmp = folder();
    refuses(
        train(tmp.path(), &["--epochs", "3", "--lr", "1e30", "--out", "run"]),
        &["the loss became", "at step", "of epoch 1", "--lr", "the last good state is in run"],
    );
    assert!(state(&tmp.path().join("run")).is_finite());
}

/// The command in backticks in `said`.
#[cfg(unix)]
fn advised<'s>(said: &'s str, with: &str) -> &'s str {
    let mut parts = said.split('`');
    parts.find(|part| part.contains(with)).unwrap_or_else(|| panic!("no command with {with:?} in {said}"))
}

/// Runs a line as a shell does.
#[cfg(unix)]
fn shell(folder: &Path, line: &str) -> Command {
    let mut command = wgrad(folder, &[]);
    command = std::mem::replace(&mut command, Command::new("sh"));
    let mut shell = Command::new("sh");
    shell.current_dir(folder).args(["-c", line]);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// From the saved state it would diverge again, and `--resume` takes no `--lr`.
#[cfg(unix)]
#[test]
fn after_an_exploding_loss_the_advice_is_a_command_that_works() {
    let tmp = folder();
    let named = tmp.path().join("a table's");
    std::fs::create_dir(&named).expect("made");
    let rows: String = (0..60).map(|n| format!("{n},{}\n", 2 * n)).collect();
    std::fs::write(named.join("rows.csv"), format!("x,y\n{rows}")).expect("written");
    let said = |command: Command| {
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    let data = ["--data", "a table's/rows.csv", "--label", "y", "--target", "number"];
    let table = ["train", "--model", "linear", "--lr", "1e30", "--batch", "8", "--out", "a run"];
    let kept =
        ["--seed", "3", "--patience", "4", "--no-shuffle", "--max-time", "1h", "--variant", "sgd=naive"];
    let began = said(wgrad(tmp.path(), &[&table[..], &data, &kept].concat()));
    assert!(began.contains("the last good state is in 'a run'"), "{began}");
    let next = advised(&began, " train --model linear");
    assert!(!next.contains("--resume"), "{next}");
    for words in ["--label y", "--batch 8", "rows.csv", &kept.join(" ")] {
        assert!(next.contains(words), "no {words:?} in {next}");
    }
    // One tenth of a rate that is far too high is still far too high.
    let (before, rest) = next.split_once("--lr 0.05").expect("the optimizer's own");
    succeeds(shell(tmp.path(), &format!("{before}--lr 0.0001{rest}")));
    // After an epoch there are weights to start from.
    succeeds(train(tmp.path(), &["--model", "linear", "--epochs", "1", "--out", "good"]));
    let mut config = std::fs::read_to_string(tmp.path().join("good/run.json")).expect("reads");
    let at = config.rfind("\n  },\n  \"init\"").expect("the end of the options");
    config.insert_str(at, ",\n    \"rates\": [{\"step\": 16, \"learning_rate\": 3.4e38}]");
    std::fs::write(tmp.path().join("good/run.json"), config).expect("written");
    let went = said(wgrad(tmp.path(), &["train", "--resume", "good", "--epochs", "3"]));
    let next = advised(&went, " train --model linear");
    assert!(next.ends_with("--init good/best.safetensors"), "{next}");
}

#[cfg(unix)]
#[test]
fn advice_names_the_program_as_it_was_called() {
    let tmp = folder();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wgrad"), tmp.path().join("other name")).expect("linked");
    let called = |args: &[&str]| {
        let mut command = Command::new("./other name");
        command.current_dir(tmp.path()).args(args);
        command.env("WGRAD_PROVEN", Path::new(env!("CARGO_TARGET_TMPDIR")).join("proven"));
        text(&run(command))
    };
    for (args, words) in [
        (&["eval", "nothing"][..], "`'./other name' train` makes one"),
        (&["train", "--lr", "0"], "`'./other name' lr-find` suggests one"),
        (&["train", "--adapter", "no such card"], "`'./other name' adapters` shows details"),
        (&["models", "cnn"], "Recipe: './other name' train --recipe cnn"),
    ] {
        let said = called(args);
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let data = wgrad_testing::fixture("parity").display().to_string();
    let train = ["train", "--data", &data, "--lr", "1e30", "--epochs", "1", "--batch", "32"];
    assert!(called(&train).contains("`'./other name' train --data "));
}

/// Messages before the first kernel is compiled; a signal that comes then ends the program at once.
#[cfg(unix)]
#[test]
fn ctrl_c_before_there_is_anything_to_save_leaves_nothing() {
    for (name, model) in [("INT", "cnn"), ("TERM", "cnn")] {
        let tmp = folder();
        let mut command = train(tmp.path(), &["--model", model, "--epochs", "1", "--out", "run"]);
        // No proof of the kernels is on file, so that all of them are proven first.
        command.env("WGRAD_PROVEN", tmp.path().join("proven")).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = Training(command.spawn().expect("starts"));
        let mut said = std::io::BufReader::new(child.0.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.starts_with("adapter: ") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut said, &mut line).expect("reads") > 0, "it has ended");
        }
        signal(&child, name);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut said, &mut rest).expect("reads");
        assert_eq!(child.0.wait().expect("ends").code(), Some(130), "{rest}");
        assert!(rest.contains("interrupted before there was anything to finish"), "{rest}");
        assert!(!tmp.path().join("run").exists(), "{rest}");
        succeeds(train(tmp.path(), &["--epochs", "1", "--limit", "64", "--out", "run"]));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_loses_nothing_that_was_saved() {
    let tmp = folder();
    // A disk of one MiB: the first state fits, the best weights of the first epoch do not fit beside it.
    let script = "set -e; mkdir disk; mount -t tmpfs -o size=1m none disk; code=0
        \"$@\" --epochs 3 --out disk/run || code=$?
        cp disk/run/last.safetensors kept; ls -A disk/run > left; exit $code";
    let command = train(tmp.path(), &[]);
    // A user may mount in a namespace of their own; root may anyway, and must, where the root is that of a chroot.
    let forms: [&[&str]; 3] = [&["-rm"], &["-m"], &["-m", "--propagation", "unchanged"]];
    let works = |form: &&&[&str]| {
        let mut tried = Command::new("unshare");
        tried.args(**form).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        tried.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let form = forms.iter().find(works).expect("`unshare` may mount a disk of its own");
    let mut full = Command::new("unshare");
    full.current_dir(tmp.path()).args(*form).args(["sh", "-c", script, "sh"]);
    full.arg(command.get_program()).args(command.get_args());
    refuses(
        full,
        &["cannot write disk/run/best.safetensors", "No space left", "the last good state is in disk/run"],
    );
    let bytes = std::fs::read(tmp.path().join("kept")).expect("the state before it");
    let parameters =
        wgrad::networks::network("mlp", [28, 28, 1], 10).expect("built in").parameters().expect("fits");
    assert!(Checkpoint::from_bytes("kept", &bytes, &parameters).expect("loads").is_finite());
    let left = std::fs::read_to_string(tmp.path().join("left")).expect("lists");
    assert_eq!(
        left, "last.safetensors\nlayers.jsonl\nmetrics.jsonl\nrun.json\nrun.lock\n",
        "a partial file stayed"
    );
}

#[test]
fn weights_from_a_file_are_where_training_starts() {
    let tmp = folder();
    let init = wgrad_testing::fixture("parity_mlp.safetensors");
    let init = init.to_str().expect("readable");
    succeeds(train(
        tmp.path(),
        &["--epochs", "1", "--no-shuffle", "--lr", "1e-30", "--init", init, "--out", "run"],
    ));
    let run = Run::open(&tmp.path().join("run")).expect("a run");
    let parameters = run.config.model.parameters().expect("fits");
    let bytes = std::fs::read(init).expect("reads");
    let start = Checkpoint::from_bytes("init", &bytes, &parameters).expect("loads");
    assert!(run.last().expect("loads").weights == start.weights, "a step of length 0 changed the weights");
}

#[test]
fn a_network_with_another_head_starts_from_the_layers_that_fit() {
    let tmp = folder();
    let wide = ["[[layers]]", "type = \"Flatten\"", "[[layers]]", "type = \"Dense\"", "units = 128"];
    let head = ["[[layers]]", "name = \"head\"", "type = \"Dense\"", "units = 10"];
    std::fs::write(tmp.path().join("net.toml"), [&wide[..], &head].concat().join("\n")).expect("writes");
    let init = wgrad_testing::fixture("parity_mlp.safetensors");
    let init = init.to_str().expect("readable");
    let words = ["--model", "net.toml", "--epochs", "1", "--lr", "1e-30", "--init", init];
    refuses(train(tmp.path(), &words), &["parity_mlp.safetensors", "has no tensor"]);
    let said = succeeds(train(tmp.path(), &[&words[..], &["--skip-mismatch", "--out", "run"]].concat()));
    assert!(said.contains("`head` begins as initialised") && said.contains("is not there"), "{said}");
    let run = Run::open(&tmp.path().join("run")).expect("a run");
    let (model, last) = (&run.config.model, run.last().expect("loads"));
    let parameters = model.parameters().expect("fits");
    let bytes = std::fs::read(init).expect("reads");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a file");
    let kernel: Vec<f32> = bytemuck::pod_collect_to_vec(file.tensor("dense_1.kernel").expect("there").data());
    let own = parameters.iter().find(|p| p.name == "dense_1.kernel").expect("there");
    assert!(
        last.weights[own.offset..own.offset + own.len()] == kernel,
        "a step of length 0 changed the weights"
    );
    refuses(train(tmp.path(), &["--skip-mismatch"]), &["--init"]);
}

#[test]
fn a_validation_share_is_measured_and_decides_the_best() {
    let tmp = folder();
    succeeds(train(tmp.path(), &["--epochs", "2", "--validation", "0.25", "--out", "run"]));
    let lines = Run::open(&tmp.path().join("run")).expect("a run").metrics().expect("metrics");
    let best = lines.iter().filter_map(|l| l.validation_accuracy).fold(0.0, f64::max);
    assert!(best > 0.0);
    assert_eq!(state(&tmp.path().join("run")).position.best, best);
    assert_eq!(lines[1].step, 2 * 12, "384 images are 12 steps of 32");
}

#[test]
fn json_lines_are_on_stdout_and_nothing_else_is() {
    let tmp = folder();
    let output = run(train(tmp.path(), &["--epochs", "2", "--json", "--out", "run"]));
    let stdout = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    assert_eq!(lines.len(), 2);
    for key in
        ["epoch", "step", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "images_per_second"]
    {
        assert!(lines[1][key].is_number(), "{key} is missing");
    }
}

/// A pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn whoever_reads_no_more_changes_neither_the_training_nor_its_exit_code() {
    let tmp = folder();
    let args = ["--model", "linear", "--epochs", "2", "--target-accuracy", "0.999", "--json", "--out"];
    let reported = run(train(tmp.path(), &[&args[..], &["told"]].concat()));
    assert_eq!(reported.status.code(), Some(1), "the target is missed: {}", text(&reported));
    let mut deaf = train(tmp.path(), &[&args[..], &["untold"]].concat());
    deaf.stdout(unread()).stderr(unread());
    assert_eq!(deaf.status().expect("the binary starts").code(), Some(1));
    assert_eq!(last(&tmp.path().join("untold")), last(&tmp.path().join("told")));
}

#[test]
fn talk_that_cannot_be_reported_is_dropped() {
    let tmp = folder();
    succeeds(train(tmp.path(), &["--model", "linear", "--epochs", "1", "--out", "run"]));
    let commands = [
        (&["eval", "run"][..], 0),
        (&["models", "cnn"], 0),
        (&["adapters"], 0),
        (&["eval", "nothing"], 2),
        (&["train", "--model", "nothing"], 2),
        (&["train", "--no-such-option"], 2),
    ];
    for (args, code) in commands {
        let mut deaf = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        deaf.current_dir(tmp.path()).args(args).stdout(unread());
        deaf.stderr(unread());
        assert_eq!(deaf.status().expect("the binary starts").code(), Some(code), "{args:?}");
        if cfg!(target_os = "linux") {
            deaf.stderr(std::fs::File::options().write(true).open("/dev/full").expect("Linux has it"));
            deaf.stdout(Stdio::null());
            assert_eq!(deaf.status().expect("the binary starts").code(), Some(code), "{args:?}, full");
        }
    }
}

#[test]
fn bad_input_is_refused_in_words() {
    let tmp = folder();
    let path = tmp.path();
    succeeds(train(path, &["--epochs", "1", "--out", "run"]));
    refuses(train(path, &["--out", "run"]), &["run holds a run already", "--resume"]);
    refuses(wgrad(path, &["train", "--resume", "nowhere"]), &["nowhere is not a run", "run.json"]);
    refuses(train(path, &["--model", "mpl"]), &["unknown network `mpl`", "linear, mlp, cnn"]);
    refuses(train(path, &["--variant", "conv2d_forward=fast"]), &["`fast` of conv2d_forward", "naive"]);
    refuses(
        train(path, &["--variant", "convolve=naive"]),
        &["unknown operation `convolve`", "conv2d_forward"],
    );
    refuses(train(path, &["--momentum", "1"]), &["--momentum is 1", "below 1"]);
    refuses(train(path, &["--batch", "0"]), &["--batch is 0"]);
    refuses(
        train(path, &["--adapter", "no such card"]),
        &["no adapter matches `no such card`", "wgrad adapters"],
    );
    refuses(
        train(path, &["--model", "linear", "--variant", "matmul=tiled_vec4"]),
        &["`tiled_vec4` of matmul cannot run anywhere", "needs N % 4 == 0", "naive"],
    );
    let said = succeeds(train(path, &["--epochs", "1", "--variant", "matmul=tiled_vec4", "--batch", "64"]));
    assert!(said.contains("note: dense_2: matmul runs as"), "{said}");
    let init = wgrad_testing::fixture("parity_linear.safetensors");
    refuses(
        train(path, &["--init", init.to_str().expect("readable")]),
        &["parity_linear.safetensors", "`dense_1.kernel` is F32 [784, 10]", "needs F32 [784, 128]"],
    );
    refuses(train(path, &["--batch", "4000000000"]), &["--batch is 4000000000", "at most 1048576"]);
}

#[test]
fn a_model_file_that_does_not_fit_names_line_and_layer() {
    let tmp = folder();
    let write = |text: &str| std::fs::write(tmp.path().join("net.toml"), text).expect("writes");
    let refused = |parts: &[&str]| refuses(train(tmp.path(), &["--model", "net.toml"]), parts);
    write("[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\ntype = \"Dense\"\nunitz = 10\n");
    refused(&["net.toml: line 4", "layer 2 (Dense)", "unitz", "units"]);
    write("[[layers]]\ntype = \"Dens\"\nunits = 10\n");
    refused(&["net.toml: line 1", "unknown type `Dens`", "Conv2D"]);
    write(
        "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\nactivation = \"rleu\"\n",
    );
    refused(&["net.toml: line 3", "unknown activation `rleu`", "linear, relu, relu6"]);
    write("[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = 30\n");
    refused(&["layer 1 (conv2d_1)", "30×30 is larger than its input 28×28", "padding = \"same\""]);
    write("[[layers]]\ntype = \"Dense\"\nunits = 10\n");
    refused(&["784 labels for each image", "[28, 28, 10]", "Flatten"]);
    write("[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 7\n");
    refused(&["takes 7 classes", "has 10"]);
    write("[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 8000000\n");
    refused(&["layer 2 (dense_1)", "its kernel", "[784, 8000000]", "more elements than", "smaller sizes"]);
    write("layers = 3\n");
    refused(&["net.toml: line 1", "expected"]);
    write(wgrad_formats::model_file::TEMPLATE);
    succeeds(train(tmp.path(), &["--model", "net.toml", "--epochs", "1", "--limit", "64"]));
}
