//! `wgrad lab`, by the real binary: the list, right and wrong files of a user, rows as JSON and CSV, exit codes,
//! translations. Sizes are tiny and times short: the measured values do not matter here.

use crate::command::{Ended, on_device, wgrad};
use serde_json::Value;
use std::{fs, path::Path, sync::mpsc, time::Duration};
use wgrad::kernels::{ADD, MATMUL, OPERATIONS};
use wgrad_lab::backends::has_subgroups;

const NAIVE: &str = include_str!("../../../../shaders/matmul/naive.wgsl");

/// The text of a variant of the product with `from` replaced.
fn changed(variant: &str, from: &str, to: &str) -> String {
    let text = MATMUL.variant(variant).expect("on the page").source();
    assert!(text.contains(from), "{variant} has no `{from}`: adapt this test");
    text.replacen(from, to, 1)
}

/// Writes files into a folder and runs the lab there on the product, with what is given besides.
fn with_files(files: &[(&str, &str)], arguments: &[&str]) -> (tempfile::TempDir, Ended) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = vec!["lab", "matmul"];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("writes");
        all.extend(["--file", name]);
    }
    let ended = on_device(&[&all[..], arguments].concat()).inside(folder.path()).end();
    (folder, ended)
}

fn find<'a>(rows: &'a [Value], variant: &str) -> &'a Value {
    rows.iter().find(|row| row["variant"] == variant).unwrap_or_else(|| panic!("no {variant} in {rows:?}"))
}

#[test]
fn the_list_has_every_variant_and_one_default_an_operation() {
    let rows = on_device(&["lab", "--json"]).end().with(0).json();
    let page: usize = OPERATIONS.iter().map(|op| op.variants().len()).sum();
    assert_eq!(rows.len(), page);
    for op in OPERATIONS {
        let of_op: Vec<_> = rows.iter().filter(|row| row["op"] == op.name).collect();
        let defaults = of_op.iter().filter(|row| row["default_here"] == true).count();
        assert_eq!(defaults, 1, "{}: {of_op:?}", op.name);
        let naive = of_op.iter().find(|row| row["variant"] == "naive").expect("naive");
        assert_eq!(naive["eligible"], true, "{naive}");
    }
    assert!(rows.iter().all(|row| row["eligible"] == true || row["reason"].is_string()));
    let table = on_device(&["lab"]).end().with(0).stdout;
    assert!(table.contains("K % 4 == 0") && table.lines().count() == page + 2, "{table}");
}

#[test]
fn what_is_right_is_timed_and_what_cannot_run_says_why() {
    let sizes = ["--size", "M=33,N=17,K=19", "--seconds", "0.05", "--json"];
    let rows =
        on_device(&[&["lab", "matmul", "--variant", "naive,tiled,tiled_vec4"][..], &sizes].concat()).end();
    let rows = rows.with(0).json();
    assert_eq!(rows.len(), 3);
    for name in ["naive", "tiled"] {
        let row = find(&rows, name);
        assert_eq!((&row["status"], &row["op"]), (&"ok".into(), &"matmul".into()), "{row}");
        assert_eq!(row["sizes"], "M=33,N=17,K=19");
        let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("no {key} in {row}"));
        assert!(number("seconds_min") > 0.0 && number("seconds_min") <= number("seconds"), "{row}");
        assert!(number("seconds_max") >= number("seconds") && number("compile_seconds") > 0.0, "{row}");
        let rate = 2.0 * 33.0 * 17.0 * 19.0 / number("seconds") / 1e9;
        assert!((number("gflops") / rate - 1.0).abs() < 1e-9, "{row}");
        let share = number("gflops") / number("peak_gflops");
        assert!(share > 0.0 && (number("share_of_fma") / share - 1.0).abs() < 1e-9, "{row}");
        assert!(number("share_of_copy") > 0.0 && number("error_share") <= 1.0, "{row}");
        assert_eq!(number("proofs"), MATMUL.cases().len() as f64 + 1.0, "{row}");
        assert!(
            ["gpu timestamps", "wall clock"].contains(&row["clock"].as_str().unwrap_or_default()),
            "{row}"
        );
        assert!(number("samples") >= 5.0 && number("rank") >= 1.0, "{row}");
        assert_eq!(row["checked"], false, "{row}");
        assert!(row["adapter"].as_str().is_some_and(|name| !name.is_empty()), "{row}");
    }
    let skipped = find(&rows, "tiled_vec4");
    assert_eq!((&skipped["status"], &skipped["seconds"]), (&"skipped".into(), &Value::Null));
    assert!(skipped["reason"].as_str().is_some_and(|why| why.contains("N % 4 == 0")), "{skipped}");
}

const STORE: &str = "y[row * N + column] = activate(sum + b[column]);";
const GUARD: &str = "if (row >= M || column >= N) { return; }";

#[test]
fn wrong_files_are_rows_without_a_time_and_the_lab_goes_on() {
    let scaled = changed("naive", STORE, "y[row * N + column] = activate(sum + b[column]) * 1.0001;");
    let nan = changed(
        "naive",
        STORE,
        "let nan = bitcast<f32>(0x7fc00000u + row * N + column); \
         y[row * N + column] = select(activate(sum + b[column]), nan, row + column == 0u);",
    );
    let barrier = changed("tiled", "workgroupBarrier();", "");
    let beyond = changed("naive", GUARD, "if (row >= M) { return; }");
    let right = format!("// the same\n{NAIVE}");
    let files = [
        ("scaled.wgsl", scaled.as_str()),
        ("nan.wgsl", &nan),
        ("barrier.wgsl", &barrier),
        ("beyond.wgsl", &beyond),
        ("right.wgsl", &right),
    ];
    let arguments = ["--variant", "naive", "--size", "M=33,N=17,K=40", "--seconds", "0.02"];
    let (folder, ended) = with_files(&files, &[&arguments[..], &["--json"]].concat());
    let rows = ended.with(1).json();
    assert_eq!(rows.len(), 6);
    for name in ["naive", "right.wgsl"] {
        let row = find(&rows, name);
        assert!(row["status"] == "ok" && row["seconds"].is_number(), "{row}");
        assert_eq!(row["checked"], name != "naive", "{row}");
    }
    for (name, _) in &files[..4] {
        let row = find(&rows, name);
        assert_eq!(row["status"], "wrong", "{row}");
        for key in ["seconds", "gflops", "rank", "share_of_fma"] {
            assert_eq!(row[key], Value::Null, "a wrong variant has a {key}: {row}");
        }
        assert!(row["reason"].as_str().is_some_and(|why| why.contains("at M=")), "{row}");
    }
    let worst = &find(&rows, "scaled.wgsl")["worst"];
    assert_eq!(worst["buffer"], "y");
    for key in ["index", "got", "expected", "allowed", "count", "of"] {
        assert!(worst[key].is_number(), "{worst}");
    }

    // The same as CSV: a header, then a line a row.
    let file = ["lab", "matmul", "--file", "scaled.wgsl", "--csv"];
    let csv = on_device(&[&file[..], &arguments].concat()).inside(folder.path()).end().with(1).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[0].starts_with("op,variant,status,reason,"), "{csv}");
    assert!(lines[1].starts_with("matmul,naive,ok,,"), "{csv}");
    assert!(lines[2].starts_with("matmul,scaled.wgsl,wrong,\""), "{csv}");

    // And as a table.
    let file = ["lab", "matmul", "--file", "scaled.wgsl"];
    let table = on_device(&[&file[..], &arguments].concat()).inside(folder.path()).end().with(1).stdout;
    assert!(table.contains("✗") && table.contains("WRONG: scaled.wgsl: at M="), "{table}");
    assert!(!table.contains('\x1b'), "colour in a pipe");
}

/// Never ends, which no compiler can detect.
const ENDLESS: &str = include_str!("../../../../tests/fixtures/endless.wgsl");

/// Right at every size that fits one dimension of workgroups, and no further: its verdict says so.
#[test]
fn what_does_not_fold_is_right_up_to_a_size_that_is_reported() {
    let naive = ADD.variant("naive").expect("on the page").source();
    let flat = naive.replace("thread_x(wid, groups, lid)", "wid.x * 64u + lid.x");
    assert_ne!(naive, flat, "adapt this test");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("flat.wgsl"), flat).expect("writes");
    let lab = ["lab", "add", "--variant", "naive", "--file", "flat.wgsl", "--seconds", "0.05"];
    let rows = on_device(&[&lab[..], &["--json"]].concat()).inside(folder.path()).end().with(0).json();
    assert_eq!(find(&rows, "naive")["limit"], Value::Null);
    let (row, reported) = (find(&rows, "flat.wgsl"), "at most 65535 workgroups");
    assert!(
        row["status"] == "ok" && row["limit"].as_str().is_some_and(|limit| limit.contains(reported)),
        "{row}"
    );
    let table = on_device(&lab).inside(folder.path()).end().with(0).stdout;
    assert!(table.contains("note: flat.wgsl: correct as long as") && table.contains(reported), "{table}");
}

#[test]
fn an_endless_loop_is_ended_and_the_others_are_timed() {
    let arguments =
        ["--variant", "naive", "--size", "M=3,N=5,K=7", "--seconds", "0.02", "--timeout", "2", "--json"];
    let (_, ended) = with_files(&[("endless.wgsl", ENDLESS), ("right.wgsl", NAIVE)], &arguments);
    let rows = ended.with(1).json();
    let row = find(&rows, "endless.wgsl");
    assert!(row["status"] == "wrong" && row["seconds"] == Value::Null, "{row}");
    assert!(row["reason"].as_str().is_some_and(|why| why.contains("did not end well")), "{row}");
    for name in ["naive", "right.wgsl"] {
        assert!(find(&rows, name)["seconds"].is_number(), "{rows:?}");
    }
}

/// Two seconds and more of compiling on a processor's driver, and a run of microseconds.
#[test]
fn what_the_driver_takes_to_compile_is_no_hang() {
    let more: String =
        (0..120).map(|n| format!("sum = fma(sum, x[(row + {n}u) % K], w[(column * {n}u) % N]);\n")).collect();
    let store = "    y[row * N + column] =";
    let long = NAIVE.replace(store, &format!("    if (b[0] > 3.0e38) {{\n{more}    }}\n{store}"));
    assert_ne!(long, NAIVE, "adapt this test");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("long.wgsl"), long).expect("writes");
    let lab =
        ["lab", "matmul", "--variant", "naive", "--file", "long.wgsl", "--size", "M=3,N=5,K=7", "--json"];
    let few = ["--seconds", "0", "--timeout", "1", "--cases", "1"];
    // Kernels that an earlier run compiled would be found compiled.
    let command = on_device(&[&lab[..], &few].concat()).inside(folder.path());
    let rows = command.env("MESA_SHADER_CACHE_DISABLE", "true").end().with(0).json();
    assert_eq!(find(&rows, "long.wgsl")["status"], "ok", "{rows:?}");
}

#[test]
fn watching_measures_again_at_every_save() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("my.wgsl");
    fs::write(&file, NAIVE).expect("writes");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.current_dir(folder.path()).args(["lab", "matmul", "--file", "my.wgsl", "--watch", "--json"]);
    command.args(["--variant", "naive", "--size", "M=3,N=5,K=7", "--seconds", "0"]);
    if let Ok(adapter) = std::env::var("WGRAD_TEST_ADAPTER") {
        command.args(["--adapter", &adapter]);
    }
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
    let next = || -> Value {
        let line = receive.recv_timeout(Duration::from_secs(120)).expect("it measures again");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["variant"], "naive");
    assert_eq!(next()["status"], "ok");
    fs::write(&file, changed("naive", "k < K;", "k + 1u < K;")).expect("writes");
    assert_eq!(next()["variant"], "naive");
    let row = next();
    assert!(row["status"] == "wrong" && row["variant"] == "my.wgsl", "{row}");
    fs::write(&file, NAIVE).expect("writes");
    assert_eq!(next()["variant"], "naive");
    assert_eq!(next()["status"], "ok");
    child.kill().expect("ends");
    child.wait().expect("ended");
}

#[test]
fn a_file_that_does_not_meet_the_interface_is_an_error_at_its_own_line() {
    let cases = [
        ("a typo", NAIVE.replace("sum += x[", "sum += z["), vec!["my.wgsl:11:", "`z`"]),
        ("a syntax error", NAIVE.replace("var sum = 0.0;", "var sum = ;"), vec!["my.wgsl:9:"]),
        ("no entry point", NAIVE.replace("@compute @workgroup_size(64)", ""), vec!["entry point"]),
        (
            "a binding of its own",
            format!("{NAIVE}\n@group(0) @binding(7) var<storage, read_write> extra: array<f32>;\n"),
            vec!["`extra`", "shape"],
        ),
    ];
    for (what, text, words) in cases {
        let (_, ended) = with_files(&[("my.wgsl", &text)], &["--json"]);
        assert!(ended.stderr.contains("y: f32, shape (M, N), to write"), "{what}: {ended:#?}");
        assert!(ended.stderr.contains("sizes: M, N, K"), "{what}: {ended:#?}");
        ended.refuses(&words);
    }
    let (_, ended) = with_files(&[("my.wgsl", &format!("// needs Q % 4 == 0\n{NAIVE}"))], &[]);
    ended.refuses(&["line 1", "needs Q", "size of matmul"]);
    let text = format!("// needs K % 4 == 0\n{NAIVE}");
    let (_, ended) = with_files(
        &[("my.wgsl", &text)],
        &["--variant", "naive", "--size", "M=2,N=2,K=3", "--seconds", "0", "--json"],
    );
    let rows = ended.with(0).json();
    assert_eq!(find(&rows, "my.wgsl")["reason"], "needs K % 4 == 0");
}

#[test]
fn a_size_that_is_a_number_may_be_negative() {
    let sizes = "ROWS=3,PIXELS=4,SCALED=1,GAIN0=4.5,SHIFT0=-2.25";
    let row =
        on_device(&["lab", "decode", "--variant", "naive", "--size", sizes, "--seconds", "0", "--json"]);
    assert_eq!(find(&row.end().with(0).json(), "naive")["status"], "ok");
}

#[test]
fn bad_input_is_refused_in_words() {
    let refuse = |arguments: &[&str], words: &[&str]| {
        on_device(&[&["lab"][..], arguments].concat()).end().refuses(words);
    };
    refuse(&["matmull"], &["unknown operation `matmull`", "conv2d_forward"]);
    refuse(&["matmul", "--variant", "fast"], &["`fast` of matmul", "naive"]);
    refuse(&["matmul", "--size", "Q=3"], &["unknown size `Q`", "M, N, K"]);
    refuse(&["matmul", "--size", "M"], &["--size is M", "M=512"]);
    refuse(&["matmul", "--size", "M=0"], &["M=0", "at least 1"]);
    refuse(&["matmul", "--size", "M=1.5"], &["M=1.5", "a whole number"]);
    refuse(&["matmul", "--size", "M=-1"], &["M=-1", "from 0"]);
    refuse(&["decode", "--size", "SHIFT0=1e39"], &["SHIFT0=", "fits 32 bits"]);
    refuse(&["matmul", "--size", "M=4000000,N=4000000"], &["`y` needs", "smaller sizes"]);
    refuse(&["matmul", "--activation", "rleu"], &["unknown activation `rleu`", "relu"]);
    refuse(&["sgd", "--activation", "relu"], &["sgd has no activation"]);
    refuse(&["matmul", "--file", "no-such.wgsl"], &["no-such.wgsl", "--template"]);
    refuse(&["all", "--size", "M=3"], &["`all`", "--size"]);
    refuse(&["matmul", "--adapter", "no such card"], &["no adapter matches `no such card`"]);
}

#[test]
fn translations_need_no_adapter() {
    let blind = |arguments: &[&str]| {
        wgrad(&[&["lab"][..], arguments].concat())
            .env("VK_DRIVER_FILES", "/nonexistent")
            .env("VK_ICD_FILENAMES", "/nonexistent")
            .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent")
            .end()
    };
    let rows = blind(&["--backends", "--json"]).with(0).json();
    let page: usize = OPERATIONS.iter().map(|op| op.variants().len()).sum();
    assert_eq!(rows.len(), 5 * page);
    let waves: usize = OPERATIONS.iter().flat_map(|op| op.variants()).filter(|v| has_subgroups(v)).count();
    assert!(waves > 0, "no variant needs subgroups: nothing is skipped");
    let halves = MATMUL.variants().iter().filter(|v| !v.rounds().is_empty()).count();
    assert_eq!(halves, 1);
    assert_eq!(rows.iter().filter(|row| row["status"] == "skipped").count(), waves + halves);
    for row in &rows {
        let language = if row["variant"] == "tiled_f16" { "glsl" } else { "hlsl" };
        let skipped = row["status"] == "skipped" && row["language"] == language;
        assert!(skipped || (row["status"] == "ok" && row["bytes"].as_u64() > Some(100)), "{row}");
    }
    let table = blind(&["matmul", "--backends"]).with(0).stdout;
    assert_eq!(table.lines().count(), 2 + MATMUL.variants().len(), "{table}");
    assert!(table.contains("matmul/tiled") && table.contains("SPIR-V"), "{table}");

    for (language, words) in
        [("msl", "kernel void matmul("), ("hlsl", "[numthreads(8, 8, 1)]"), ("glsl", "#version 310 es")]
    {
        let text = blind(&["matmul", "--variant", "tiled", "--emit", language]).with(0).stdout;
        assert!(text.contains(words), "{language}:\n{text}");
    }
    let waves = blind(&["matmul", "--variant", "subgroup", "--emit", "hlsl"]).with(0).stdout;
    assert!(waves.contains("WaveReadLaneAt"), "{waves}");
    blind(&["matmul", "--emit", "msl"]).refuses(&["--emit prints one variant, got none", "tiled"]);
    blind(&["matmul", "--emit", "wgsl", "--variant", "naive", "--file", "my.wgsl"])
        .refuses(&["--emit prints one variant, got --variant naive and --file my.wgsl; give one"]);
}

#[test]
fn spirv_is_binary() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_wgrad"))
        .args(["lab", "matmul", "--variant", "naive", "--emit", "spirv"])
        .output()
        .expect("the binary starts");
    assert!(output.status.success());
    assert_eq!(output.stdout[..4], 0x0723_0203u32.to_le_bytes());
    assert_eq!(output.stdout.len() % 4, 0);
}

#[test]
fn training_with_a_file_proves_it_keeps_it_and_resumes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let data = crate::command::small_data_argument();
    let train = |arguments: &[&str]| {
        let fixed = ["train", "--data", &data, "--batch", "32"];
        on_device(&[&fixed[..], arguments].concat()).inside(path).end()
    };
    let mine = NAIVE.replace("var sum = 0.0;", "var sum = 0.0; // mine");
    fs::write(path.join("mine.wgsl"), &mine).expect("writes");
    let chosen = ["--variant", "matmul=mine.wgsl"];
    train(&[&["--epochs", "2", "--out", "whole"][..], &chosen].concat()).with(0);
    let ended = train(&[&["--epochs", "1", "--out", "parts"][..], &chosen].concat()).with(0);
    assert!(ended.stderr.contains("proving mine.wgsl"), "{ended:#?}");
    let run = wgrad_run::Run::open(&path.join("parts")).expect("a run");
    assert!(run.config.kernels.contains(&"matmul/mine.wgsl".to_string()), "{:?}", run.config.kernels);
    assert_eq!(fs::read_to_string(path.join("parts/matmul.wgsl")).expect("a copy"), mine);

    // The file is gone; the run goes on with its copy, to the same bits.
    fs::remove_file(path.join("mine.wgsl")).expect("removes");
    let resume = || on_device(&["train", "--resume", "parts", "--epochs", "2"]).inside(path).end();
    resume().with(0);
    let last = |run: &str| fs::read(path.join(run).join("last.safetensors")).expect("a state");
    assert!(last("whole") == last("parts"), "the resumed run is not the same");
    fs::write(path.join("parts/matmul.wgsl"), NAIVE).expect("writes");
    resume().refuses(&["matmul.wgsl", "SHA-256", "new run"]);

    let wrong = changed("naive", STORE, "y[row * N + column] = activate(sum + b[column]) * 1.0001;");
    fs::write(path.join("mine.wgsl"), wrong).expect("writes");
    train(&[&["--epochs", "1", "--out", "wrong"][..], &chosen].concat()).refuses(&[
        "mine.wgsl",
        "is wrong at",
        "y[",
        "wgrad lab matmul --file",
    ]);
    assert!(!Path::new(&path.join("wrong")).exists(), "a run was made");

    // Wrong at a size of this network alone: the printed command proves it there.
    let own = "y[row * N + column] = activate(sum + b[column]) * select(1.0, 1.01, M == 32u && N != 10u);";
    fs::write(path.join("mine.wgsl"), changed("naive", STORE, own)).expect("writes");
    let ended = train(&[&["--epochs", "1", "--out", "wrong"][..], &chosen].concat());
    let ended = ended.with(2);
    assert!(ended.stderr.contains("is wrong at M=32,"), "{ended:#?}");
    let reported = ended.stderr.split('`').find(|part| part.contains(" lab matmul")).expect("a command");
    let words: Vec<&str> = reported.split(' ').skip(1).chain(["--seconds", "0"]).collect();
    let ended = on_device(&words).inside(path).end().with(1);
    assert!(ended.stdout.contains("at M=32,"), "{ended:#?}");
}
