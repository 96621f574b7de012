//! `wgrad lab` over time: results that are kept, compared, and told to continuous integration.

use crate::command::{Ended, on_device};
use roxmltree::{Document, Node};
use serde_json::{Value, json};
use std::{fs, path::Path};

const NAIVE: &str = include_str!("../../../../shaders/matmul/naive.wgsl");

/// The lab on a small product with two variants.
fn lab(folder: &Path, more: &[&str]) -> Ended {
    let call = ["lab", "matmul", "--variant", "naive,tiled", "--size", "M=33,N=17,K=19", "--seconds", "0.02"];
    let call = [&call[..], &["--cases", "1"], more].concat();
    on_device(&call).inside(folder).env("GITHUB_ACTIONS", "false").end()
}

/// The rows of a file, changed, into another.
fn changed(folder: &Path, from: &str, to: &str, change: impl Fn(&mut Value)) {
    let text = fs::read_to_string(folder.join(from)).expect("was written");
    let lines = text.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).expect("JSON lines");
        change(&mut row);
        format!("{row}\n")
    });
    fs::write(folder.join(to), lines.collect::<String>()).expect("writes");
}

/// Makes the rounds of `row` as many times as long.
fn slowed(row: &mut Value, times: f64) {
    for round in row["rounds"].as_array_mut().expect("rounds") {
        *round = json!(round.as_f64().expect("seconds") * times);
    }
}

#[test]
fn a_variant_that_became_slower_fails_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let first = lab(folder, &["--save", "last.jsonl", "--json"]).with(0);
    let rows = first.json();
    let kept = fs::read_to_string(folder.join("last.jsonl")).expect("was written");
    assert_eq!(kept.lines().count(), 2);
    for row in &rows {
        let rounds = row["rounds"].as_array().expect("rounds");
        assert_eq!(Some(rounds.len() as u64), row["samples"].as_u64(), "{row}");
        assert!(
            row["date"].as_str().is_some_and(|date| date.len() == 10) && row["digest"].is_string(),
            "{row}"
        );
    }
    // What runs by default is beside itself as fast as itself.
    let default = rows.iter().find(|row| row["default"] == true);
    assert!(default.is_none_or(|row| row["of_default"]["times"] == 1.0), "{rows:?}");

    // Both took a thousandth then: that is the machine, whose text is the same.
    changed(folder, "last.jsonl", "machine.jsonl", |row| slowed(row, 1e-3));
    let gate = ["--fail-if-slower", "90%", "--junit", "junit.xml"];
    let ended = lab(folder, &[&gate[..], &["--baseline", "machine.jsonl"]].concat()).with(0);
    assert!(ended.stdout.contains("× last") && !ended.stderr.contains("SLOWER"), "{ended:#?}");

    // One alone, and its text was another.
    changed(folder, "last.jsonl", "other.jsonl", |row| {
        if row["variant"] == "tiled" {
            slowed(row, 1e-3);
            row["digest"] = json!("another");
        }
    });
    let ended = lab(folder, &[&gate[..], &["--baseline", "other.jsonl", "--json"]].concat()).with(1);
    let rows = ended.json();
    assert_eq!(rows.iter().filter(|row| row["same_text"] == false).count(), 1);
    assert!(
        ended.stderr.contains("SLOWER: matmul/tiled") && ended.stderr.contains("1 unchanged"),
        "{ended:#?}"
    );
    let xml = fs::read_to_string(folder.join("junit.xml")).expect("was written");
    let (tests, failures) = junit(&xml);
    assert_eq!((tests, failures), (2, vec![("tiled".to_string(), "slower".to_string())]), "{xml}");
}

/// How many tests there are, and which fail, of which type.
fn junit(xml: &str) -> (usize, Vec<(String, String)>) {
    let document = Document::parse(xml).expect("XML");
    let tests: Vec<Node> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let failed = |node: &Node| {
        let failure = node.children().find(|child| child.has_tag_name("failure"))?;
        Some((node.attribute("name")?.to_string(), failure.attribute("type")?.to_string()))
    };
    let failures: Vec<_> = tests.iter().filter_map(failed).collect();
    let counted: usize = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .filter_map(|node| node.attribute("failures")?.parse::<usize>().ok())
        .sum();
    assert_eq!(counted, failures.len(), "{xml}");
    (tests.len(), failures)
}

#[test]
fn a_wrong_file_is_a_failure_and_an_annotation() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = NAIVE.replacen("activate(sum + b[column])", "activate(sum - b[column])", 1);
    assert_ne!(wrong, NAIVE, "adapt this test");
    fs::write(folder.path().join("mine <1>.wgsl"), wrong).expect("writes");
    let call = ["lab", "matmul", "--file", "mine <1>.wgsl", "--variant", "naive", "--seconds", "0"];
    let call = [&call[..], &["--cases", "1", "--size", "M=5,N=3,K=2", "--junit", "junit.xml"]].concat();
    let ended = on_device(&call).inside(folder.path()).env("GITHUB_ACTIONS", "true").end().with(1);
    let annotation = ended.stderr.lines().find(|line| line.starts_with("::error ")).expect("an annotation");
    assert!(
        annotation.contains("file=mine <1>.wgsl,title=matmul/mine <1>.wgsl is wrong::at "),
        "{annotation}"
    );
    let xml = fs::read_to_string(folder.path().join("junit.xml")).expect("was written");
    let (tests, failures) = junit(&xml);
    assert_eq!((tests, failures), (2, vec![("mine <1>.wgsl".to_string(), "wrong".to_string())]), "{xml}");
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    lab(folder, &["--baseline", "none.jsonl"]).refuses(&["none.jsonl", "--save FILE"]);
    fs::write(folder.join("text"), "no JSON\n").expect("writes");
    lab(folder, &["--baseline", "text"]).refuses(&["text: line 1 is not a row of the lab"]);
    let untimed =
        ["lab", "matmul", "--variant", "naive", "--size", "M=2,N=2,K=2", "--cases", "1", "--seconds", "0"];
    let kept = on_device(&[&untimed[..], &["--save", "untimed.jsonl"]].concat()).inside(folder).end().with(0);
    assert!(kept.stderr.contains("wrote untimed.jsonl"), "{kept:#?}");
    lab(folder, &["--baseline", "untimed.jsonl"]).refuses(&["no row with times"]);
    on_device(&[&untimed[..], &["--baseline", "untimed.jsonl"]].concat())
        .inside(folder)
        .end()
        .refuses(&["--baseline compares times, and --seconds is 0"]);
    lab(folder, &["--fail-if-slower", "10%"]).refuses(&["--baseline"]);
    lab(folder, &["--baseline", "untimed.jsonl", "--fail-if-slower", "10"]).refuses(&["`10%`"]);
    lab(folder, &["--save", "no/such/folder"]).refuses(&["no/such/folder"]);
    // Other sizes than those that are known.
    lab(folder, &["--save", "last.jsonl"]).with(0);
    changed(folder, "last.jsonl", "other.jsonl", |row| row["sizes"] = json!("M=1,N=1,K=1"));
    let ended = lab(folder, &["--baseline", "other.jsonl"]).with(2);
    assert!(ended.stderr.contains("holds no variant that was timed in this run"), "{ended:#?}");
    assert!(ended.stderr.contains("M=1,N=1,K=1") && ended.stderr.contains("M=33,N=17,K=19"), "{ended:#?}");
}
