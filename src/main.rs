//! The command line: parse, run, exit code. 0: done; 1: a check or a target was missed; 2: an error.

#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

#[macro_use]
mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match pollster::block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            tell!("error: {}", in_words(&error));
            ExitCode::from(2)
        }
    }
}

/// An error with its causes, without those that the text before them has told already.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}
