//! Messages of the library to a caller: they name its fields and items, never an option or a command of the command
//! line.

use wgrad_testing::sources::{library, literals};

/// The commands of wgrad.
const COMMANDS: &[&str] = &[
    "train",
    "eval",
    "report",
    "predict",
    "serve",
    "export",
    "import",
    "check",
    "lab",
    "lr-find",
    "tune",
    "adapters",
    "data",
    "models",
    "bench",
    "profile",
    "completions",
];

/// Options of other programs.
const OTHERS: &[&str] = &["scripts/setup.sh --backports", "tf2onnx.convert --tflite FILE --output net.onnx"];

/// A recipe is a command, as a list of its words.
const OF_THE_COMMAND_LINE: &str = "crates/run/src/recipe";

/// The options and commands that a text names.
fn named(text: &str) -> Vec<String> {
    let mut text = text.to_string();
    OTHERS.iter().for_each(|other| text = text.replace(other, ""));
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let (before, rest) = (text[..at].chars().next_back(), &text[at + 2..]);
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
        // Variables of CSS are declared, or stand in brackets.
        let is_style = rest[end..].starts_with(':') || text[..at].ends_with("var(");
        let begins = before.is_none_or(|c| !(c.is_alphanumeric() || c == '-'));
        if begins && !is_style && rest.starts_with(|c: char| c.is_ascii_lowercase()) {
            found.push(format!("--{}", &rest[..end]));
        }
    }
    for (at, _) in text.match_indices("wgrad ") {
        let rest = &text[at + 6..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
        if COMMANDS.contains(&&rest[..end]) {
            found.push(format!("wgrad {}", &rest[..end]));
        }
    }
    found
}

#[test]
fn no_message_of_the_library_names_an_option_or_a_command() {
    let (mut count, mut found) = (0, Vec::new());
    for (path, source) in library() {
        if path.starts_with(OF_THE_COMMAND_LINE) {
            continue;
        }
        for literal in literals(&source) {
            count += 1;
            for name in named(&literal.text) {
                found.push(format!("{}:{}: {name} in {:?}", path.display(), literal.line, literal.text));
            }
        }
    }
    assert!(count > 5000, "only {count} strings were found");
    assert!(
        found.is_empty(),
        "a caller of the library knows neither options nor commands; name fields, as src/error.rs says:\n{}",
        found.join("\n")
    );
}

#[test]
fn options_and_commands_are_found_where_they_are_named() {
    for (text, expected) in [
        ("--lr", vec!["--lr"]),
        ("try `--batch 3` or --global-clipnorm", vec!["--batch", "--global-clipnorm"]),
        ("(--patience 3), then `wgrad lr-find --model x`", vec!["--patience", "--model", "wgrad lr-find"]),
        ("wgrad trains, and wgrad has none; a--b, --, --- and -- x", vec![]),
        (":root{--page:#fff} a{color:var(--page)}", vec![]),
        ("run `scripts/setup.sh --backports`", vec![]),
        ("`.batch` is 0; `wgrad_lab::tune` writes it", vec![]),
    ] {
        assert_eq!(named(text), expected, "{text}");
    }
}
