//! Tests that wgrad takes every command in the documents' code blocks: names, options and their values. The commands
//! are parsed, not run.

use crate::Cli;
use clap::{Parser, error::ErrorKind};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The Markdown files in `folder` and below it.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            markdown(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

/// Words of a command as a shell splits them, up to a comment, a pipe or a redirection; `None` unless the command is
/// `wgrad`.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut within) = (None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                if !within {
                    words.push(String::new());
                }
                within = true;
            }
            (None, ' ') => within = false,
            (None, '#') if !within => break,
            (None, '|' | '>' | '&' | ';') => break,
            _ => {
                if !within {
                    words.push(String::new());
                }
                within = true;
                words.last_mut()?.push(c);
            }
        }
    }
    (words.first()? == "wgrad").then_some(words)
}

/// Commands in the fenced blocks of a text. A line that ends in a backslash continues on the next one.
fn commands(text: &str) -> Vec<Vec<String>> {
    let blocks: Vec<&str> = text.split("\n```").skip(1).step_by(2).collect();
    let joined = blocks.join("\n").replace("\\\n", " ");
    joined.lines().filter_map(words).collect()
}

#[test]
fn every_command_in_a_block_of_code_is_one_that_wgrad_takes() {
    let project = wgrad_testing::project();
    let mut files = vec![project.join("README.md"), project.join("shaders/README.md")];
    markdown(&project.join("docs"), &mut files);
    let (mut seen, mut refused) = (0, Vec::new());
    for path in files {
        for command in commands(&fs::read_to_string(&path).expect("reads")) {
            seen += 1;
            match Cli::try_parse_from(&command) {
                Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                    refused.push(format!("{}: {}\n{error}", path.display(), command.join(" ")));
                }
                _ => {}
            }
        }
    }
    assert!(refused.is_empty(), "{} commands are refused:\n{}", refused.len(), refused.join("\n"));
    assert!(seen >= 30, "only {seen} commands were found");
}

#[test]
fn commands_are_found_as_a_shell_reads_them() {
    let text = "wgrad outside\n```sh\nwgrad eval \\\n  'a b' --json   # why\n$ wgrad lab matmul > x\ncargo test\n```\nwgrad no\n";
    assert_eq!(commands(text), [vec!["wgrad", "eval", "a b", "--json"], vec!["wgrad", "lab", "matmul"]]);
    for wrong in ["wgrad trian", "wgrad train --epoch-count 3", "wgrad train --lr fast"] {
        assert!(Cli::try_parse_from(words(wrong).expect("a command")).is_err(), "{wrong}");
    }
}
