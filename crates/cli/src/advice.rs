//! Advice for a refused command line where clap's own would not work: an option's value that begins like an option, words
//! of other programs, names in other letters, percentages.

use super::elsewhere;
use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use std::ffi::OsString;

/// Adds advice to `error`, in place of clap's where that would lead astray.
pub fn advised(mut error: Error, mut command: Command, line: &[OsString]) -> Error {
    let text = |error: &Error, kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::InvalidSubcommand {
        if let Some(own) = elsewhere::command(&text(&error, ContextKind::InvalidSubcommand)) {
            error.remove(ContextKind::SuggestedSubcommand);
            advise(&mut error, format!("use 'wgrad {own}'"));
        }
        return error;
    }
    if matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        let value = text(&error, ContextKind::InvalidValue);
        if let Some(share) = share(&value) {
            advise(&mut error, format!("a share is a number from 0 to 1: {value} is {share}"));
        } else if let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue)
            && let Some(own) = known.iter().find(|known| known.eq_ignore_ascii_case(&value)).cloned()
        {
            error.insert(ContextKind::SuggestedValue, ContextValue::String(own));
        }
    }
    if !matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidValue) {
        return error;
    }
    let about = text(&error, ContextKind::InvalidArg);
    if let Some((option, value)) = followed(command.clone(), line, &about) {
        advise(&mut error, format!("to pass '{value}' as the value of '{option}', use '{option}={value}'"));
    } else if error.kind() == ErrorKind::UnknownArgument && about.starts_with('-') {
        // clap's advice to write it after `--` does not help with a mistyped option.
        error.remove(ContextKind::Suggested);
        command.build();
        let mut within = &command;
        for word in line.iter().skip(1) {
            let Some(sub) = word.to_str().and_then(|word| within.find_subcommand(word)) else { break };
            within = sub;
        }
        if let Some(own) = elsewhere::option(about.trim_start_matches('-'), within) {
            error.remove(ContextKind::SuggestedArg);
            advise(&mut error, own);
        }
    }
    error
}

/// Sets the advice of `error`.
fn advise(error: &mut Error, advice: String) {
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(advice)]));
}

/// The share that a percentage is: 0.2 for `20%`.
fn share(value: &str) -> Option<f64> {
    let percent: f64 = value.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
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
