//! `wgrad check` as a user meets it: what it prints where, and its exit codes.

use std::process::{Command, Output};

fn check(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.arg("check").args(args);
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default();
    if !adapter.is_empty() {
        command.args(["--adapter", &adapter]);
    }
    command.output().expect("the binary starts")
}

fn texts(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[test]
fn the_table_lists_every_dispatch_and_talk_goes_to_stderr() {
    let output = check(&["mlp", "--batch", "3"]);
    let [table, talk] = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{table}{talk}");
    for kernel in
        ["decode/", "matmul/", "matmul_grad_weight/", "matmul_grad_input/", "sgd/", "softmax_forward/"]
    {
        assert!(table.contains(kernel), "{kernel} is not in:\n{table}");
    }
    for check in ["finite difference", "one submission", "whole step", "dense_2.kernel"] {
        assert!(table.contains(check), "{check} is not in:\n{table}");
    }
    assert!(talk.contains("adapter: ") && talk.contains("nothing differs"), "{talk}");
    assert!(!table.contains("adapter: ") && !table.contains("DIFFERS"), "{table}");
}

#[test]
fn json_is_one_object_a_line_for_every_comparison() {
    let output = check(&["linear", "--batch", "2", "--steps", "2", "--json"]);
    let [lines, talk] = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{lines}{talk}");
    let mut kinds = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!((&object["network"], &object["ok"]), (&"linear".into(), &true.into()), "{line}");
        assert!(object["share"].as_f64().is_some_and(|share| share <= 1.0), "{line}");
        kinds.insert(object["check"].as_str().expect("a name").to_string());
    }
    let expected = ["dispatch", "finite", "finite_difference", "one_submission", "whole_step"];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn bad_names_are_errors_that_list_the_known_ones() {
    for (args, part) in [
        (["mpl", "--batch", "2"], "linear, mlp, cnn"),
        (["mlp", "--variant", "matmul=nave"], "naive"),
        (["mlp", "--variant", "matmult=naive"], "matmul"),
    ] {
        let output = check(&args);
        let [table, talk] = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{table}{talk}");
        assert!(talk.contains(part) && !talk.contains("panicked"), "{talk}");
    }
}
