//! `wgrad lab DIR`: an operation of a folder of WGSL files, by the real binary: the example, broken variants of it,
//! references that the host cannot compute, and folders that are no operation.

use crate::command::{Ended, on_device, wgrad};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

const INTERFACE: &str = include_str!("../../../../examples/shaders/histogram/interface.wgsl");
const NAIVE: &str = include_str!("../../../../examples/shaders/histogram/naive.wgsl");
const SHARED: &str = include_str!("../../../../examples/shaders/histogram/shared.wgsl");
const RUNS: &str = include_str!("../../../../examples/shaders/histogram/runs.wgsl");

/// An interface of one buffer of numbers and what is computed from it.
const NUMBERS: &str = "// y = a function of x\noverride N: u32;\n\
    @group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N)\n\
    @group(0) @binding(1) var<storage, read> x: array<f32>; // (N)\n\
    // grid N\n// case N=1\n// case N=70\n// case N=129\n";

/// A kernel of one thread an element, of the interface above.
fn each(statements: &str) -> String {
    format!(
        "@compute @workgroup_size(64) fn each(@builtin(global_invocation_id) id: vec3<u32>) {{\n\
         let i = id.x;\nif (i >= N) {{ return; }}\n{statements}\n}}\n"
    )
}

/// `text` with `from` replaced.
#[track_caller]
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no `{from}`: adapt this test");
    text.replacen(from, to, 1)
}

/// A folder `mine` with these files, and the folder that holds it.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let within = tempfile::tempdir().expect("a folder");
    let mine = within.path().join("mine");
    fs::create_dir(&mine).expect("makes");
    for (name, text) in files {
        fs::write(mine.join(name), text).expect("writes");
    }
    (within, mine)
}

/// The lab on a folder `mine` with these files.
fn lab(files: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let (within, _) = folder(files);
    on_device(&[&["lab", "./mine"], arguments].concat()).inside(within.path()).end()
}

/// The example's histogram with another text of the variant `shared`.
fn with_shared(shared: &str, arguments: &[&str]) -> Ended {
    let files = [("interface.wgsl", INTERFACE), ("naive.wgsl", NAIVE), ("shared.wgsl", shared)];
    lab(&files, &[&["--size", "N=4096,BINS=256", "--json"], arguments].concat())
}

#[track_caller]
fn row<'a>(rows: &'a [Value], variant: &str) -> &'a Value {
    rows.iter().find(|row| row["variant"] == variant).unwrap_or_else(|| panic!("no {variant} in {rows:?}"))
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shaders/histogram")
}

#[test]
fn the_example_is_right_and_every_report_of_the_lab_has_it() {
    let out = tempfile::tempdir().expect("a folder");
    let path = example().display().to_string();
    let call = ["lab", path.as_str(), "--size", "N=5000,BINS=100"];
    let files = ["--save", "last.jsonl", "--junit", "lab.xml", "--html", "lab.html"];
    let ended =
        on_device(&[&call[..], &["--seconds", "0.02"], &files].concat()).inside(out.path()).end().with(0);
    assert!(ended.stdout.contains("histogram at N=5000,BINS=100"), "{ended:#?}");
    assert!(ended.stdout.contains("reference: naive, computed in f64 on the host"), "{ended:#?}");
    let kept = fs::read_to_string(out.path().join("last.jsonl")).expect("was written");
    let rows: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 3);
    for name in ["naive", "runs", "shared"] {
        let row = row(&rows, name);
        assert_eq!((&row["status"], &row["op"]), (&json!("ok"), &json!("histogram")), "{row}");
        assert_eq!((&row["checked"], &row["default"]), (&json!(true), &json!(name == "naive")), "{row}");
        assert!(row["seconds"].as_f64().is_some_and(|s| s > 0.0) && row["digest"].is_string(), "{row}");
        // Five cases and the size; random elements, equal ones, ties and zeros.
        assert_eq!((&row["proofs"], &row["regimes"]), (&json!(6), &json!(4)), "{row}");
        let file = row["file"].as_str().unwrap_or_default();
        assert!(Path::new(file).is_file() && file.ends_with(&format!("{name}.wgsl")), "{row}");
    }
    for (file, word) in [("lab.xml", "shared"), ("lab.html", "Reference: naive, computed in f64")] {
        let text = fs::read_to_string(out.path().join(file)).expect("was written");
        assert!(text.contains(word), "{file}");
    }

    // Settings, a file beside the variants, translations and the template.
    let proven = ["--cases", "1", "--seconds", "0", "--json"];
    fs::write(out.path().join("mine.wgsl"), RUNS).expect("writes");
    let more = ["--variant", "runs:ITEMS=4", "--file", "mine.wgsl"];
    let rows = on_device(&[&call[..], &more, &proven].concat()).inside(out.path()).end().with(0).json();
    assert_eq!((rows.len(), &row(&rows, "runs:ITEMS=4")["status"]), (2, &json!("ok")));
    assert_eq!(row(&rows, "mine.wgsl")["status"], "ok");
    let rows =
        on_device(&[&call[..], &["--variant", "shared", "--sweep"], &proven].concat()).end().with(0).json();
    assert_eq!(rows.iter().filter(|row| row["status"] == "ok").count(), 3, "{rows:?}");
    let rows = wgrad(&[&call[..], &["--backends", "--json"]].concat()).end().with(0).json();
    assert_eq!(rows.iter().filter(|row| row["status"] == "ok").count(), 3 * 5, "{rows:?}");
    let emitted =
        wgrad(&[&call[..], &["--variant", "shared", "--emit", "wgsl"]].concat()).end().with(0).stdout;
    assert!(emitted.starts_with(SHARED.lines().next().expect("a line")) && emitted.contains("override BINS"));
    let template = wgrad(&["lab", &path, "--template"]).end().with(0).stdout;
    assert!(template.contains(&format!("wgrad lab {path} --file THIS_FILE")), "{template}");
    assert!(
        template.contains("atomicAdd(&bins[x[i]], 1u);") && !template.contains("wgrad train"),
        "{template}"
    );
}

#[test]
fn broken_variants_are_wrong_at_their_worst_element() {
    let broken = [
        ("the first barrier removed", changed(SHARED, "    workgroupBarrier();\n", "")),
        ("an element left out", changed(SHARED, "if (i < N) {", "if (i + 1u < N) {")),
        (
            "a lost atomic",
            changed(
                SHARED,
                "atomicAdd(&counts[x[i]], 1u);",
                "atomicStore(&counts[x[i]], atomicLoad(&counts[x[i]]) + 1u);",
            ),
        ),
    ];
    for (what, text) in broken {
        let ended = with_shared(&text, &["--seconds", "0"]).with(1);
        let rows = ended.json();
        assert_eq!(row(&rows, "naive")["status"], "ok", "{what}: {ended:#?}");
        let wrong = row(&rows, "shared");
        assert_eq!(
            (&wrong["status"], &wrong["worst"]["buffer"]),
            (&json!("wrong"), &json!("bins")),
            "{what}: {wrong}"
        );
        assert!(wrong["reason"].as_str().is_some_and(|reason| reason.contains("bins[")), "{what}: {wrong}");
        assert!(wrong["seconds"].is_null() && wrong["worst"]["allowed"] == json!(0.0), "{what}: {wrong}");
    }
    let beyond = changed(RUNS, "let end = min(first + ITEMS, N);", "let end = first + ITEMS;");
    let files = [("interface.wgsl", INTERFACE), ("naive.wgsl", NAIVE), ("runs.wgsl", beyond.as_str())];
    let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
    assert_eq!(row(&rows, "runs")["status"], "wrong", "{rows:?}");
}

#[test]
fn a_variant_that_hangs_is_a_row_and_the_others_are_timed() {
    let endless = changed(
        SHARED,
        "for (var item = 0u; item < ITEMS; item++) {",
        "for (var item = 0u; item < ITEMS; item += N / (N + 1u)) {",
    );
    let rows = with_shared(&endless, &["--seconds", "0.02", "--timeout", "2", "--cases", "1"]).with(1).json();
    let wrong = row(&rows, "shared");
    assert!(wrong["status"] == "wrong" && wrong["seconds"].is_null(), "{wrong}");
    assert!(row(&rows, "naive")["seconds"].is_number(), "{rows:?}");
}

#[test]
fn a_folder_has_the_gates_of_continuous_integration() {
    let (within, mine) =
        folder(&[("interface.wgsl", INTERFACE), ("naive.wgsl", NAIVE), ("shared.wgsl", SHARED)]);
    let call = ["lab", "./mine", "--size", "N=4096,BINS=256", "--seconds", "0.02", "--cases", "1"];
    let run = |more: &[&str]| {
        on_device(&[&call[..], more].concat()).inside(within.path()).env("GITHUB_ACTIONS", "true").end()
    };
    run(&["--save", "last.jsonl"]).with(0);
    // `shared` took a thousandth then, and its text was another.
    let kept = fs::read_to_string(within.path().join("last.jsonl")).expect("was written");
    let faster: String = kept
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("JSON");
            if row["variant"] == "shared" {
                row["digest"] = json!("another");
                for round in row["rounds"].as_array_mut().expect("rounds") {
                    *round = json!(round.as_f64().expect("seconds") * 1e-3);
                }
            }
            format!("{row}\n")
        })
        .collect();
    fs::write(within.path().join("faster.jsonl"), faster).expect("writes");
    let gate = ["--baseline", "faster.jsonl", "--fail-if-slower", "90%", "--junit", "lab.xml"];
    let ended = run(&gate).with(1);
    assert!(ended.stderr.contains("SLOWER: mine/shared"), "{ended:#?}");
    let xml = fs::read_to_string(within.path().join("lab.xml")).expect("was written");
    assert!(xml.contains("type=\"slower\""), "{xml}");

    fs::write(mine.join("shared.wgsl"), changed(SHARED, "    workgroupBarrier();\n", "")).expect("writes");
    let ended = run(&["--junit", "lab.xml"]).with(1);
    let annotation = ended.stderr.lines().find(|line| line.starts_with("::error ")).expect("an annotation");
    assert!(annotation.contains("shared.wgsl,title=mine/shared is wrong::at "), "{annotation}");
    let xml = fs::read_to_string(within.path().join("lab.xml")).expect("was written");
    assert!(xml.contains("type=\"wrong\""), "{xml}");
}

#[test]
fn numbers_have_the_bound_of_their_roundings() {
    let naive =
        each("var sum = 0.0;\nfor (var k = 0u; k < 100u; k++) { sum += x[i] / f32(k + 1u); }\ny[i] = sum;");
    let backwards =
        each("var sum = 0.0;\nfor (var k = 100u; k > 0u; k--) { sum += x[i] / f32(k); }\ny[i] = sum;");
    let scaled = naive.replace("y[i] = sum;", "y[i] = sum * 1.0001;");
    let files = [
        ("interface.wgsl", NUMBERS),
        ("naive.wgsl", &naive),
        ("backwards.wgsl", &backwards),
        ("scaled.wgsl", &scaled),
    ];
    let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
    let share = |name: &str| row(&rows, name)["error_share"].as_f64();
    assert!(share("backwards").is_some_and(|share| share > 0.0 && share <= 1.0), "{rows:?}");
    assert_eq!(row(&rows, "scaled")["status"], "wrong", "{rows:?}");
    assert_eq!(row(&rows, "naive")["regimes"], 10, "{rows:?}");
    // A tolerance of a thousandth allows it.
    let wide = format!("{NUMBERS}// tolerance 1e-3\n");
    let files = [("interface.wgsl", wide.as_str()), ("naive.wgsl", &naive), ("scaled.wgsl", &scaled)];
    let ended = lab(&files, &["--seconds", "0"]).with(0);
    assert!(ended.stdout.contains("with its error bound and a tolerance of 1.0e-3"), "{ended:#?}");
}

#[test]
fn signed_integers_and_vectors_are_compared_exactly() {
    let interface = "override N: u32;\n\
        @group(0) @binding(0) var<storage, read_write> y: array<vec4<i32>>; // (N, 4)\n\
        @group(0) @binding(1) var<storage, read> x: array<i32>; // (N) from -5 to 5\n\
        // grid N\n// case N=3\n// case N=65\n";
    let naive = each("y[i] = vec4<i32>(x[i], -x[i], x[i] * 2, -7);");
    let right = each("let v = x[i];\ny[i] = vec4<i32>(1, -1, 2, 0) * v - vec4<i32>(0, 0, 0, 7);");
    let wrong = changed(&right, "0, 0, 7)", "0, 0, 8)");
    let files = [
        ("interface.wgsl", interface),
        ("naive.wgsl", &naive),
        ("right.wgsl", &right),
        ("wrong.wgsl", &wrong),
    ];
    let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
    assert_eq!(
        (&row(&rows, "naive")["status"], &row(&rows, "right")["status"]),
        (&json!("ok"), &json!("ok")),
        "{rows:?}"
    );
    let worst = &row(&rows, "wrong")["worst"];
    assert_eq!((&worst["got"], &worst["expected"]), (&json!(-8.0), &json!(-7.0)), "{worst}");
    assert_eq!(worst["place"], json!([0, 3]), "{worst}");
}

#[test]
fn the_device_computes_a_reference_that_the_host_cannot() {
    // Rounding may turn the integer of a product.
    let interface = "override N: u32;\n\
        @group(0) @binding(0) var<storage, read_write> bin: array<u32>; // (N)\n\
        @group(0) @binding(1) var<storage, read> x: array<f32>; // (N) from 0 to 1\n\
        // grid N\n// case N=300\n";
    let naive = each("let scaled = x[i] * 0.1 * 1000.0;\nbin[i] = u32(scaled);");
    let wrong = changed(&naive, "u32(scaled)", "u32(scaled + 0.5)");
    let files = [
        ("interface.wgsl", interface),
        ("naive.wgsl", &naive),
        ("same.wgsl", &naive),
        ("wrong.wgsl", &wrong),
    ];
    let ended = lab(&files, &["--seconds", "0"]).with(1);
    for words in [
        "computed on this device with a tolerance of 1.5e-5 at N=300",
        "since ./mine/naive.wgsl:5: ",
        "rounding may turn",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended:#?}");
    }
    let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
    assert_eq!(
        (&row(&rows, "same")["status"], &row(&rows, "wrong")["status"]),
        (&json!("ok"), &json!("wrong")),
        "{rows:?}"
    );

    // The device compares numbers with its tolerance too.
    let interface = format!("{NUMBERS}// tolerance 1e-4\n");
    let naive = each(
        "// uses the bits of a rounded number\nlet v = x[i] * 1.7;\ny[i] = bitcast<f32>(bitcast<u32>(v) + 0u);",
    );
    let near = each("y[i] = x[i] * 1.7001;");
    let far = each("y[i] = x[i] * 1.702;");
    let files = [
        ("interface.wgsl", interface.as_str()),
        ("naive.wgsl", &naive),
        ("near.wgsl", &near),
        ("far.wgsl", &far),
    ];
    let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
    assert_eq!(
        (&row(&rows, "near")["status"], &row(&rows, "far")["status"]),
        (&json!("ok"), &json!("wrong")),
        "{rows:?}"
    );
    assert!(
        row(&rows, "near")["reference"].as_str().is_some_and(|words| words.contains("tolerance of 1.0e-4")),
        "{rows:?}"
    );
}

#[test]
fn inputs_without_a_result_are_left_out_and_reported() {
    let naive = each("y[i] = log(x[i] + 1.5);");
    let files = [("interface.wgsl", NUMBERS), ("naive.wgsl", naive.as_str())];
    let ended = lab(&files, &["--seconds", "0"]).with(0);
    assert!(
        ended.stdout.contains("left out: ") && ended.stdout.contains("gives no number for y["),
        "{ended:#?}"
    );
    // None has one where every small input may be negative.
    let naive = each("y[i] = log(x[i]);");
    let files = [("interface.wgsl", NUMBERS), ("naive.wgsl", naive.as_str())];
    let ended = lab(&files, &["--seconds", "0"]).with(1);
    assert!(ended.stdout.contains("WRONG: naive") && ended.stdout.contains("`positive`"), "{ended:#?}");
    let positive = changed(NUMBERS, "x: array<f32>; // (N)", "x: array<f32>; // (N) from 0.1 to 8");
    let files = [("interface.wgsl", positive.as_str()), ("naive.wgsl", naive.as_str())];
    assert!(!lab(&files, &["--seconds", "0"]).with(0).stdout.contains("left out"));
}

#[test]
fn a_reference_that_defines_nothing_is_wrong_and_nothing_is_compared_with_it() {
    let cases = [
        ("a race", each("y[0] = x[i];\ny[i] = x[i];"), "their order decides"),
        ("an index beyond the end", each("y[i] = x[i] + x[i + 1u];"), "is beyond"),
        ("an element left out", each("if (i > 0u) { y[i] = x[i]; }"), "leaves y[0] unwritten"),
    ];
    let right = each("y[i] = x[i];");
    for (what, naive, words) in cases {
        let files =
            [("interface.wgsl", NUMBERS), ("naive.wgsl", naive.as_str()), ("other.wgsl", right.as_str())];
        let rows = lab(&files, &["--seconds", "0", "--json"]).with(1).json();
        let reason = |name: &str| row(&rows, name)["reason"].as_str().unwrap_or_default().to_string();
        assert!(reason("naive").contains(words), "{what}: {rows:?}");
        assert!(reason("other").contains("the reference `naive` is wrong"), "{what}: {rows:?}");
    }
}

#[test]
fn watching_measures_again_when_a_file_of_the_folder_changes() {
    use std::io::{BufRead, BufReader};
    let (within, mine) = folder(&[("interface.wgsl", INTERFACE), ("naive.wgsl", NAIVE)]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.current_dir(within.path()).args([
        "lab",
        "mine",
        "--watch",
        "--json",
        "--seconds",
        "0",
        "--cases",
        "1",
    ]);
    command.args(["--size", "N=100,BINS=7"]);
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
    assert_eq!(next()["status"], "ok");
    // A new file, and then a broken one.
    fs::write(mine.join("runs.wgsl"), RUNS).expect("writes");
    assert_eq!([next()["variant"].clone(), next()["variant"].clone()], [json!("runs"), json!("naive")]);
    fs::write(
        mine.join("runs.wgsl"),
        changed(RUNS, "atomicAdd(&bins[value], count);", "atomicAdd(&bins[value], 1u);"),
    )
    .expect("writes");
    let rows = [next(), next()];
    assert_eq!(row(&rows, "runs")["status"], "wrong", "{rows:?}");
    child.kill().expect("ends");
    child.wait().expect("ended");
}

#[test]
fn folders_that_are_no_operation_are_refused_in_words() {
    let naive = each("y[i] = x[i];");
    let with = |interface: &str| {
        lab(&[("interface.wgsl", interface), ("naive.wgsl", naive.as_str())], &["--seconds", "0"])
    };
    let refused = |interface: &str, words: &[&str]| with(interface).refuses(words);
    lab(&[], &[]).refuses(&["./mine: has no interface.wgsl", "// case N=1000"]);
    let triples = NUMBERS.replace("array<f32>; // (N)\n//", "array<vec3<f32>>; // (N, 3)\n//");
    let first = naive.replace("x[i]", "x[i].x");
    lab(&[("interface.wgsl", &triples), ("naive.wgsl", &first)], &[]).refuses(&["`x`", "vectors of 2 or 4"]);
    lab(&[("interface.wgsl", NUMBERS), ("fast.wgsl", &naive)], &[])
        .refuses(&["has no naive.wgsl", "got fast"]);
    let files =
        [("interface.wgsl", NUMBERS), ("naive.wgsl", &naive), ("Fast.wgsl", &naive), ("fast.wgsl", &naive)];
    #[cfg(target_os = "linux")]
    lab(&files, &[]).refuses(&["fast.wgsl", "Fast.wgsl", "rename one"]);
    lab(&files[..2], &["--variant", "fast"]).refuses(&["`fast`", "naive"]);
    lab(&[&files[..2], &[("a,b.wgsl", naive.as_str())]].concat(), &[]).refuses(&["a,b.wgsl", "rename"]);
    lab(&[("interface.wgsl", ""), ("naive.wgsl", "")], &[])
        .refuses(&["mine/interface.wgsl", "declares no buffer"]);
    lab(&files[..2], &["--size", "N=4000000000"])
        .refuses(&["`y` needs 16000000000 bytes", "choose smaller sizes"]);
    lab(&files[..2], &["--size", "N=0"]).refuses(&["N=0", "at least 1"]);
    lab(&files[..2], &["--size", "K=3"]).refuses(&["unknown size `K`", "N"]);

    // WGSL that is none: naga's words, with the file and its line.
    let typo = changed(&naive, "y[i] = x[i];", "y[i] = z[i];");
    lab(&[("interface.wgsl", NUMBERS), ("naive.wgsl", &typo)], &[])
        .refuses(&["./mine/naive.wgsl:4:8", "`z`"]);
    lab(&[files[0], files[1], ("fast.wgsl", &typo)], &[]).refuses(&[
        "./mine/fast.wgsl:4:8",
        "`z`",
        "shape (N)",
    ]);
    refused(&changed(NUMBERS, "override N: u32;", "override N u32;"), &["mine/interface.wgsl:2:"]);
    fs_bytes(&[("interface.wgsl", NUMBERS.as_bytes()), ("naive.wgsl", b"\xff\xfa\x00")])
        .refuses(&["naive.wgsl", "UTF-8"]);
    fs_bytes(&[("interface.wgsl", NUMBERS.as_bytes()), ("naive.wgsl", &vec![b' '; 2 << 20])]).refuses(&[
        "naive.wgsl",
        "2097152 bytes",
        "at most 1048576",
    ]);

    for (from, to, words) in [
        ("// (N)\n@group(0) @binding(1)", "\n@group(0) @binding(1)", vec!["@binding(0) has no shape"]),
        (
            "// (N)\n@group(0) @binding(1)",
            "// (M)\n@group(0) @binding(1)",
            vec!["shape of `y`", "size `M`", "one of N"],
        ),
        ("// (N)\n// grid", "// (N) postive\n// grid", vec!["`x` has the mark `postive`", "`positive`"]),
        ("// (N)\n// grid", "// (N) below M\n// grid", vec!["`x`, below", "`M`"]),
        ("@binding(1)", "@binding(0)", vec!["@binding(0)", "second `x`"]),
        ("@binding(1)", "@binding(2000)", vec!["@binding(2000)", "less than 1000"]),
        ("@group(0) @binding(1)", "@group(2) @binding(1)", vec!["@group(2)", "@group(0)"]),
        ("// grid N", "// grid K", vec!["`// grid K`", "`K`"]),
        ("// grid N\n", "", vec!["no `// grid` line"]),
        ("// case N=70", "// case N=70,K=2", vec!["line 7", "every size"]),
        ("// case N=70", "// case N=100000000", vec!["line 7", "64 MiB"]),
        ("// case N=1\n// case N=70\n// case N=129\n", "", vec!["no sizes", "`// case N=100`"]),
        ("// grid N", "// grid N\n// tolerance much", vec!["`// tolerance much`", "between 0 and 1"]),
        ("var<storage, read_write>", "var<storage, read>", vec!["none of its buffers is `read_write`"]),
        ("override N: u32;", "@id(3) override N: u32;", vec!["@id"]),
    ] {
        refused(&changed(NUMBERS, from, to), &words);
    }
    let nine: String = (2..40)
        .map(|n| format!("@group(0) @binding({n}) var<storage, read> x{n}: array<f32>; // (N)\n"))
        .collect();
    let _beyond_some = with(&format!("{NUMBERS}{nine}"));

    let within = tempfile::tempdir().expect("a folder");
    let call = |name: &str| wgrad(&["lab", name]).inside(within.path()).end();
    call("./nowhere").refuses(&["./nowhere", "interface.wgsl"]);
    call("nothing").refuses(&["unknown operation `nothing`", "matmul"]);
    fs::write(within.path().join("file.wgsl"), "").expect("writes");
    call("./file.wgsl").refuses(&["./file.wgsl", "is no folder"]);
    fs::create_dir(within.path().join("a b")).expect("makes");
    call("./a b").refuses(&["`a b`", "rename the folder"]);
}

/// The lab on a folder with files of bytes.
fn fs_bytes(files: &[(&str, &[u8])]) -> Ended {
    let (within, mine) = folder(&[]);
    for (name, bytes) in files {
        fs::write(mine.join(name), bytes).expect("writes");
    }
    on_device(&["lab", "./mine"]).inside(within.path()).end()
}

#[test]
fn an_interpretation_that_takes_too_long_is_left_to_the_device() {
    let naive = each("var v = x[i];\nfor (var k = 0u; k < 100000u; k++) { v = v * 0.5 + 1.0; }\ny[i] = v;");
    let interface =
        changed(NUMBERS, "// case N=1\n// case N=70\n// case N=129\n", "// case N=1\n// case N=129\n");
    let files = [("interface.wgsl", interface.as_str()), ("naive.wgsl", naive.as_str())];
    let ended = lab(&files, &["--seconds", "0"]).with(0);
    assert!(
        ended.stdout.contains("computed on this device with a tolerance of 1.5e-5 at N=129"),
        "{ended:#?}"
    );
    assert!(ended.stdout.contains("operations"), "{ended:#?}");
}
