//! The command line of this process. Where another program runs wgrad, as Python does, its own words precede the
//! arguments: `python3 /usr/bin/wgrad train`.

use anyhow::{Context, Result};
use std::{
    env,
    ffi::OsString,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Number of words before the arguments.
static BEFORE: AtomicUsize = AtomicUsize::new(1);

/// Sets the number of words before the arguments.
pub fn set_before(words: usize) {
    BEFORE.store(words.max(1), Ordering::Relaxed);
}

fn before() -> usize {
    BEFORE.load(Ordering::Relaxed)
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
    let mut command = Command::new(env::current_exe().context("cannot find this program")?);
    command.args(env::args_os().take(before()).skip(1));
    Ok(command)
}
