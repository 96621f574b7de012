//! `wgrad rm` on runs that the library recorded: no training, no adapter.

use crate::{
    command::{Ended, wgrad},
    recorded::make,
};
use std::{fs, path::Path};
use tempfile::TempDir;

fn two() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    drop(make(folder.path(), "a", &[0.5, 0.75], |_| ()));
    drop(make(folder.path(), "b", &[0.5], |_| ()));
    folder
}

fn rm(folder: &Path, arguments: &[&str]) -> Ended {
    wgrad(&[&["rm"], arguments].concat()).inside(folder).end()
}

#[test]
fn runs_are_removed_without_a_question_where_it_is_said() {
    let folder = two();
    fs::write(folder.path().join("runs/b/notes.txt"), "mine").unwrap();
    let ended = rm(folder.path(), &["a", "runs/a", "b", "--yes"]).with(0);
    assert!(ended.stderr.contains("removed runs/a") && ended.stderr.contains("stays"), "{ended:#?}");
    assert!(ended.stderr.contains("notes.txt"), "{ended:#?}");
    assert!(!folder.path().join("runs/a").exists());
    let left: Vec<_> =
        fs::read_dir(folder.path().join("runs/b")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

#[test]
fn what_is_refused_removes_nothing() {
    let folder = two();
    let is_whole =
        || ["a", "b"].iter().all(|run| folder.path().join("runs").join(run).join("run.json").exists());
    rm(folder.path(), &["a"]).refuses(&["no terminal to ask in", "--yes"]);
    rm(folder.path(), &["a", "nowhere", "--yes"]).refuses(&["nowhere is not a run", " runs` lists them"]);
    rm(folder.path(), &["a", "runs", "--yes"]).refuses(&["runs is not a run, but holds 2 runs; name those"]);
    let held = make(folder.path(), "held", &[0.5], |_| ());
    rm(folder.path(), &["a", "held", "--yes"]).refuses(&["held is being trained"]);
    drop(held);
    assert!(is_whole());
}

/// In a terminal, which `script` of util-linux provides.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_asked_with_name_size_and_epochs() {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let folder = two();
    let ask = |answer: &str| {
        let line = format!("{} rm a", env!("CARGO_BIN_EXE_wgrad"));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("util-linux");
        script.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = script.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = ask("n\n");
    assert_eq!(code, Some(1), "{said}");
    for words in ["runs/a", "mlp", "2/2", "KiB", "remove 1 run", "nothing was removed"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(folder.path().join("runs/a/run.json").exists());
    let (code, said) = ask("y\n");
    assert!(code == Some(0) && !folder.path().join("runs/a").exists(), "{said}");
}
