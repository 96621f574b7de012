//! What is said of a command line that is none, where clap's own advice would not work: of a value that begins like an
//! option.

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use std::ffi::OsString;

/// The same error; where an option is followed by a value that begins like another, with what to write instead.
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
        // That it may stand behind `--` helps nobody who took it for an option.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// The option that takes a value and the word behind it that begins like an option, where `about` is one of them.
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
        // Of several letters behind one dash clap names the first.
        let begins = about.len() > 1 && !about.starts_with("--") && value.starts_with(about);
        let told = value == about || begins || about.split(' ').next() == Some(option);
        if takes && told && value.starts_with('-') && value.len() > 1 {
            return Some((option.to_string(), value.to_string()));
        }
    }
    None
}
