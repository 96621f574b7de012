//! The command line: parse, run, exit code. 0: done; 1: a check or a target was missed; 2: an error; 130: interrupted;
//! 101: a panic, which is a mistake of wgrad. One of wgpu is an error of the device.

#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

#[macro_use]
mod cli;

use std::{panic, process::ExitCode};
use wgrad::gpu::guarded;

fn main() -> ExitCode {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        told(info);
        tell!("this is a mistake in wgrad: please report it, with the lines above and the command");
    }));
    let cli = cli::Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match pollster::block_on(guarded(cli::run(cli))) {
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
