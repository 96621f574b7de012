//! `wgrad lab --html`, by the real binary: the page agrees with the printed results. Sizes are tiny and times short.

use crate::command::{on_device, wgrad};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use wgrad::kernels::OPERATIONS;
use wgrad_testing::pages::{checked, texts, tree, values};

const NAIVE: &str = include_str!("../../../../shaders/matmul/naive.wgsl");
/// A file's name that tries to be markup, without what some systems forbid in names.
const HOSTILE: &str = "a&lt;&amp;'b;){}#!$%^_with_a_name_that_is_longer_than_any_column_of_any_table.wgsl";

/// One that is wrong.
fn scaled() -> String {
    let store = "y[row * N + column] = activate(sum + b[column]);";
    assert!(NAIVE.contains(store), "adapt this test");
    NAIVE.replace(store, "y[row * N + column] = activate(sum + b[column]) * 1.0001;")
}

fn read(path: &Path) -> String {
    checked(&fs::read_to_string(path).expect("the page is there"))
}

#[test]
fn the_page_holds_every_row_with_its_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(HOSTILE), scaled()).expect("writes");
    let arguments = [
        "lab",
        "matmul",
        "--variant",
        "naive,tiled,tiled_vec4",
        "--size",
        "M=33,N=17,K=40",
        "--seconds",
        "0.02",
    ];
    let more = ["--json", "--html", "lab.html", "--file", HOSTILE];
    let ended = on_device(&[&arguments[..], &more].concat()).inside(folder.path()).end().with(1);
    let rows = ended.json();
    assert_eq!(rows.len(), 4);
    let page = read(&folder.path().join("lab.html"));
    let html = tree(&page);

    let names: Vec<&str> = rows.iter().filter_map(|row| row["variant"].as_str()).collect();
    assert_eq!(texts(&html, "tbody tr th"), names, "one row a variant, names as they are");
    let shown = values(&html);
    let mut compared = 0;
    for row in &rows {
        for (key, factors) in [
            ("seconds", &[1.0, 1e3, 1e6][..]),
            ("seconds_min", &[1.0, 1e3, 1e6]),
            ("seconds_q1", &[1.0, 1e3, 1e6]),
            ("seconds_q3", &[1.0, 1e3, 1e6]),
            ("seconds_max", &[1.0, 1e3, 1e6]),
            ("rank", &[1.0]),
            ("gflops", &[1.0]),
            ("gbps", &[1.0]),
            ("share_of_fma", &[100.0]),
            ("share_of_copy", &[100.0]),
            ("compile_seconds", &[1.0]),
            ("error_share", &[100.0]),
        ] {
            let Some(number) = row[key].as_f64() else { continue };
            compared += 1;
            let there = factors.iter().any(|factor| shown.contains(&(number * factor)));
            assert!(there, "{key} of {} is not on the page: {number}", row["variant"]);
        }
    }
    assert!(compared >= 24, "{compared} numbers");

    let facts = texts(&html, "dl.facts dd").join("\n");
    let first = &rows[0];
    for key in ["adapter", "backend", "driver", "class", "version", "clock"] {
        let word = first[key].as_str().unwrap_or_else(|| panic!("no {key}"));
        assert!(facts.contains(word), "no {key} {word} in {facts}");
    }
    for words in ["wgrad lab matmul", "GFLOP/s of multiplications", " UTC"] {
        assert!(facts.contains(words), "no {words} in {facts}");
    }

    let wrong = &rows[3];
    assert_eq!(texts(&html, "tr.alarm th"), [HOSTILE]);
    let alarms = texts(&html, "div.alarm-box");
    assert_eq!(alarms.len(), 1);
    let worst = &wrong["worst"];
    let place: Vec<_> = worst["place"].as_array().expect("a place").iter().map(ToString::to_string).collect();
    assert_eq!(place.len(), 2, "{worst}");
    let index = format!("y[{}]", place.join(", "));
    let number = |key: &str| format!("{:e}", worst[key].as_f64().expect("a number"));
    for word in [HOSTILE, &index, &number("got"), &number("expected"), &number("allowed")] {
        assert!(alarms[0].contains(word), "no {word} in {alarms:?}");
    }
    // Bars for all rows, and points of the roofline for those with a rate.
    let pictures = texts(&html, "figure svg desc");
    assert_eq!(pictures.len(), 2, "{pictures:?}");
    assert!(names.iter().all(|name| pictures[0].contains(name)), "{pictures:?}");
    assert!(pictures[0].contains("skipped: needs N % 4 == 0"), "{pictures:?}");
    assert!(pictures[1].contains("tiled: ") && !pictures[1].contains("tiled_vec4"), "{pictures:?}");
    assert!(pictures[1].contains("memory: "), "{pictures:?}");
}

#[test]
fn lists_and_translations_have_pages_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let variants: usize = OPERATIONS.iter().map(|op| op.variants().len()).sum();
    let blind = wgrad(&["lab", "--backends", "--html", "t.html"]).env("VK_DRIVER_FILES", "/nonexistent");
    blind.inside(folder.path()).end().with(0);
    let page = read(&folder.path().join("t.html"));
    assert_eq!(texts(&tree(&page), "tbody tr th").len(), variants);
    assert!(values(&tree(&page)).len() >= 4 * variants);
    on_device(&["lab", "--html", "l.html"]).inside(folder.path()).end().with(0);
    let page = read(&folder.path().join("l.html"));
    let cells = texts(&tree(&page), "tbody tr td");
    let holds = |words: &str| cells.iter().any(|cell| cell.ends_with(words));
    assert!(holds("K % 4 == 0") && holds("subgroup"), "{cells:?}");
    assert_eq!(texts(&tree(&page), "tbody tr th").len(), variants);
}

#[test]
fn a_page_that_cannot_be_written_is_reported_before_anything_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in ["no such folder/x.html", ".", ""] {
        let ended = on_device(&["lab", "matmul", "--html", path]).inside(folder.path()).end();
        assert!(!ended.stderr.contains("adapter:"), "it went on: {ended:#?}");
        ended.refuses(&[]);
    }
    let ended = on_device(&["lab", "--html", "no such folder/x.html"]).inside(folder.path()).end();
    ended.refuses(&["cannot write no such folder/x.html", "name a file in a folder that exists"]);
}

#[test]
fn a_watched_page_follows_every_save() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("my.wgsl"), NAIVE).expect("writes");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command
        .current_dir(folder.path())
        .args(["lab", "matmul", "--file", "my.wgsl", "--watch", "--html", "my.html"]);
    command.args(["--variant", "naive", "--size", "M=3,N=5,K=7", "--seconds", "0"]);
    if let Ok(adapter) = std::env::var("WGRAD_TEST_ADAPTER") {
        command.args(["--adapter", &adapter]);
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("starts");
    let shows = |what: &str, alarms: &[&str]| {
        let start = Instant::now();
        loop {
            // At any moment the file is complete or absent.
            let found =
                path("my.html").exists().then(|| texts(&tree(&read(&path("my.html"))), "div.alarm-box"));
            let right = |found: &Vec<String>| {
                found.len() == alarms.len()
                    && found.iter().zip(alarms).all(|(found, word)| found.contains(word))
            };
            if found.as_ref().is_some_and(right) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{what}: {found:?}");
            sleep(Duration::from_millis(50));
        }
    };
    shows("a right file", &[]);
    fs::write(path("my.wgsl"), scaled()).expect("writes");
    shows("a wrong file", &["WRONG: my.wgsl"]);
    fs::write(path("my.wgsl"), "fn broken(").expect("writes");
    shows("a file that does not compose", &["Nothing was measured"]);
    fs::write(path("my.wgsl"), NAIVE).expect("writes");
    shows("a right file again", &[]);
    child.kill().expect("ends");
    child.wait().expect("ended");
}

/// Rows without a time still make a page.
#[test]
fn proof_alone_makes_a_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        ["lab", "matmul", "--variant", "naive", "--size", "M=3,N=5,K=7", "--seconds", "0", "--json"];
    let ended = on_device(&[&arguments[..], &["--html", "x.html"]].concat()).inside(folder.path()).end();
    let rows = ended.with(0).json();
    assert_eq!(rows[0]["seconds"], Value::Null);
    let page = read(&folder.path().join("x.html"));
    assert_eq!(texts(&tree(&page), "tbody tr th"), ["naive"]);
    assert_eq!(texts(&tree(&page), "figure svg desc").len(), 1, "no roofline without a rate");
}
