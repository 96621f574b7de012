//! What goes to stdout. A reader that has seen enough (`wgrad models | head -3`) is no error.

use anyhow::{Context, Result};
use std::{
    fmt::Display,
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
};

static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on there is no talk: only results, warnings and errors.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether there is no talk.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Talk, on stderr.
pub fn say(text: impl Display) {
    if !is_quiet() {
        tell!("{text}");
    }
}

/// Prints a line, or several.
pub fn line(text: impl Display) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints one JSON object on a line of its own.
pub fn json(value: &impl serde::Serialize) -> Result<()> {
    line(serde_json::to_string(value).context("cannot write as JSON")?)
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.context("cannot write to stdout"),
    }
}
