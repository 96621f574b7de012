//! Output on stdout. A reader that closes the pipe (`wgrad models | head -3`) is no error: the command runs to its end
//! silently, so that its exit code and its files are the same as with a reader.

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

/// Turns off messages from now on: only results, warnings and errors remain.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Returns true if messages are off.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a message on stderr, unless messages are off.
pub fn say(text: impl Display) {
    if !is_quiet() {
        tell!("{text}");
    }
}

/// Returns true if the reader of stdout has gone: a command that only prints may end.
pub fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed)
}

/// Prints one or more lines with terminal control characters escaped; a terminal still gets colours.
pub fn line(text: impl Display) -> Result<()> {
    let text = format!("{text}\n");
    let text = spelled(&text);
    bytes(if stdout().is_terminal() { coloured(&text) } else { printable(&text).into_owned() }.as_bytes())
}

/// Escapes all terminal control characters but colours.
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
