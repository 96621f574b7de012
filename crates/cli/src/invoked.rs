//! The command line of this process. Where another program runs wgrad, as Python does, its own words precede the
//! arguments: `python3 /usr/bin/wgrad train`.

use anyhow::{Context, Result};
use std::{env, ffi::OsString, path::PathBuf, process::Command, sync::OnceLock};

/// Another program that runs this one.
pub struct Interpreter {
    /// Its path, as it was called: a Python finds its packages by it, where the file that a link leads to has others.
    pub path: PathBuf,
    /// Number of its words before the arguments, its own name included.
    pub words: usize,
}

static INTERPRETER: OnceLock<Interpreter> = OnceLock::new();

/// Says that another program runs this one. Only the first call counts.
pub fn set_interpreter(interpreter: Interpreter) {
    let _kept = INTERPRETER.set(interpreter);
}

fn before() -> usize {
    INTERPRETER.get().map_or(1, |interpreter| interpreter.words.max(1))
}

/// The arguments.
pub fn arguments() -> impl Iterator<Item = OsString> {
    env::args_os().skip(before())
}

/// The name that the program was called by.
pub fn name() -> OsString {
    let own = env::args_os().next().filter(|name| !name.is_empty() && before() == 1);
    own.unwrap_or_else(|| "wgrad".into())
}

/// Another process of this program, still without arguments.
pub fn again() -> Result<Command> {
    let program = match INTERPRETER.get().filter(|other| !other.path.as_os_str().is_empty()) {
        Some(interpreter) => interpreter.path.clone(),
        None => env::current_exe().context("cannot find this program")?,
    };
    let mut command = Command::new(program);
    command.args(env::args_os().take(before()).skip(1));
    Ok(command)
}
