//! Advice for a refused command line where clap's own would not work: an option's value that begins like an option.

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use std::ffi::OsString;

/// Adds advice to `error` where an option is followed by a value that begins like another option: `--option=value`.
pub fn advised(mut error: Error, command: Command, line: &[OsString]) -> Error {
    if !matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidValue) {
        return error;
    }
    let about = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if let Some((option, value)) = followed(command, line, &about) {
        let advice = format!("to pass '{value}' as the value of '{option}', use '{option}={value}'");
        let advice = ContextValue::StyledStrs(vec![StyledStr::from(advice)]);
        error.insert(ContextKind::Suggested, advice);
    } else if error.kind() == ErrorKind::UnknownArgument && about.starts_with("--") {
        // clap's advice to write it after `--` does not help with a mistyped option.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Rust's words about a number that it cannot read, and what it expected.
const NUMBERS: [(&str, &str); 5] = [
    ("invalid digit found in string", "expected a whole number from 0 on, such as 8"),
    ("cannot parse integer from empty string", "expected a whole number, such as 8"),
    ("invalid float literal", "expected a number, such as 0.05"),
    ("cannot parse float from empty string", "expected a number, such as 0.05"),
    ("number too large to fit in target type", "expected a smaller number"),
];

/// The message about a value with what was expected, in place of Rust's words about numbers.
pub fn expected(said: String) -> String {
    NUMBERS
        .iter()
        .fold(said, |said, (rust, words)| said.replace(&format!(": {rust}\n"), &format!(": {words}\n")))
}

/// Finds an option that takes a value and the next word, which begins like an option, if `about` is one of the two.
fn followed(mut command: Command, line: &[OsString], about: &str) -> Option<(String, String)> {
    command.build();
    for pair in line.get(1..)?.windows(2) {
        let (option, value) = (pair[0].to_str()?, pair[1].to_str()?);
        if let Some(within) = command.find_subcommand(option) {
            command = within.clone();
            continue;
        }
        let named =
            |arg: &&clap::Arg| arg.get_long().is_some_and(|long| option.strip_prefix("--") == Some(long));
        let takes = command.get_arguments().find(named).is_some_and(|arg| arg.get_action().takes_values());
        // clap names only the first of several letters after one dash.
        let begins = about.len() > 1 && !about.starts_with("--") && value.starts_with(about);
        let reported = value == about || begins || about.split(' ').next() == Some(option);
        if takes && reported && value.starts_with('-') && value.len() > 1 {
            return Some((option.to_string(), value.to_string()));
        }
    }
    None
}
