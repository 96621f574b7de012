//! The command line: parse, run, exit code. 0: done; 1: a check or a target was missed; 2: an error; 130: interrupted;
//! 101: a panic, which is a mistake of wgrad. One of wgpu is an error of the device.

#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

#[macro_use]
mod cli;

use std::{panic, process::ExitCode};
use wgrad::gpu::guarded;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    without_talk_of_wayland();
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

/// Without a runtime folder in the environment, as in a container or under `sudo`, libwayland prints an error for every
/// list of adapters that Mesa's Vulkan layer makes, whatever that is for. With one that is not there it is silent; but a
/// program cannot safely change its environment once it runs, so it begins anew with it.
#[cfg(target_os = "linux")]
fn without_talk_of_wayland() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    const FOLDER: &str = "XDG_RUNTIME_DIR";
    if env::var_os(FOLDER).is_none() {
        let mut line = env::args_os();
        let mut again = Command::new("/proc/self/exe");
        again.arg0(line.next().unwrap_or_else(|| "wgrad".into())).args(line).env(FOLDER, "/nonexistent");
        // It comes back only where that cannot be: then the error is printed, and all else is as it should be.
        let _talk = again.exec();
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
