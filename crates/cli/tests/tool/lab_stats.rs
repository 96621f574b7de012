//! `wgrad lab --stats`, by the real binary: rows where the driver of the test adapter tells what it makes of kernels, else
//! a refusal in words. What is read from machine code is tested in the lab's own crate.

use crate::command::{on_device, wgrad};
use std::fs;

/// Fields that every row has.
const FIELDS: [&str; 12] = [
    "op",
    "variant",
    "status",
    "registers",
    "spills",
    "workgroup_bytes",
    "occupancy",
    "instructions",
    "per_fma",
    "of_fma_peak",
    "statistics",
    "driver",
];

#[test]
fn rows_or_a_refusal_that_names_the_reason_and_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = [
        "lab",
        "matmul",
        "--stats",
        "--variant",
        "naive,tiled",
        "--json",
        "--isa",
        "code",
        "--html",
        "a.html",
    ];
    let ended = on_device(&call).inside(folder.path()).end();
    if ended.code == Some(2) {
        ended.refuses(&["does not tell what its compiler makes", "wgrad adapters", "scripts/vendors.sh"]);
        assert!(!folder.path().join("a.html").exists());
        return;
    }
    let ended = ended.with(0);
    assert!(ended.stderr.contains("nothing runs, nothing is proven, and there are no times"), "{ended:#?}");
    let rows = ended.json();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        for field in FIELDS {
            assert!(row.get(field).is_some(), "no {field} in {row}");
        }
        assert_eq!(row["status"], "ok", "{row}");
        assert!(row["statistics"].as_object().is_some_and(|reported| !reported.is_empty()), "{row}");
        if let Some(path) = row["isa"].as_str() {
            assert!(fs::read_to_string(folder.path().join(path)).is_ok_and(|text| !text.is_empty()), "{row}");
        }
    }
    assert!(folder.path().join("a.html").exists());
}

#[test]
fn seconds_give_times_beside_the_statistics_or_alone_with_the_reason() {
    let call = [
        "lab",
        "matmul",
        "--stats",
        "--seconds",
        "0.05",
        "--variant",
        "naive,tiled",
        "--cases",
        "1",
        "--json",
    ];
    let ended = on_device(&call).end().with(0);
    let silent = ended.stderr.contains("times alone: ");
    let rows = ended.json();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert!(row["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{row}");
        assert!(!silent || row["per_fma"].is_null() && row["of_fma_peak"].is_null(), "{row}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    wgrad(&["lab", "matmul", "--isa", "code"]).end().refuses(&["--stats"]);
    wgrad(&["lab", "matmul", "--stats", "--cases", "2"]).end().refuses(&["--cases", "add --seconds 1"]);
    wgrad(&["lab", "matmul", "--stats", "--junit", "a.xml"]).end().refuses(&["--junit", "add --seconds 1"]);
    wgrad(&["lab", "--stats", "--size", "M=2"]).end().refuses(&["OP"]);
    wgrad(&["lab", "matmul", "--stats", "--variant", "none"]).end().refuses(&["none", "naive"]);
}
