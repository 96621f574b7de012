//! What goes to stdout. A reader that has seen enough (`wgrad models | head -3`) is no error: the command goes on to its
//! end without telling, so that its exit code and its files are what they are with a reader.

use super::fields::spelled;
use anyhow::{Context, Result};
use std::{
    fmt::Display,
    io::{ErrorKind, IsTerminal, Write, stdout},
    sync::atomic::{AtomicBool, Ordering},
};
use wgrad::words::{printable, printable_json};

static UNREAD: AtomicBool = AtomicBool::new(false);
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

/// Whether whoever reads stdout has gone: what only prints may end.
pub fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed)
}

/// Prints a line, or several, without what steers a terminal; into one, colours are let through.
pub fn line(text: impl Display) -> Result<()> {
    let text = format!("{text}\n");
    let text = spelled(&text);
    bytes(if stdout().is_terminal() { coloured(&text) } else { printable(&text).into_owned() }.as_bytes())
}

/// The text with all that steers a terminal shown, but for colours.
fn coloured(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut whole = printable(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let codes = part.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(part.len());
        let is_colour = part[codes..].starts_with('m');
        whole.push_str(if is_colour { "\x1b[" } else { "\\u{1b}[" });
        whole.push_str(&printable(part));
    }
    whole
}

/// Prints one JSON object on a line of its own.
pub fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).context("cannot write as JSON")?;
    bytes(format!("{}\n", printable_json(&spelled(&text))).as_bytes())
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    if is_unread() {
        return Ok(());
    }
    let mut stdout = stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => {
            UNREAD.store(true, Ordering::Relaxed);
            Ok(())
        }
        result => result.context("cannot write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn a_terminal_is_sent_colours_and_nothing_else() {
        let bold = "\x1b[1mname\x1b[0m\x1b[38;5;24m|";
        assert_eq!(coloured(bold), bold);
        assert_eq!(coloured("a\x1b[2Jb\x1b]0;c\x07\x1b["), "a\\u{1b}[2Jb\\u{1b}]0;c\\u{7}\\u{1b}[");
    }
}
