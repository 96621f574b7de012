//! Talk, on stderr. It never fails and ends nothing: where stderr is gone or full, what cannot be told is dropped. Names
//! that come from files are among it, so whatever would steer the terminal is shown instead of sent.

use std::{
    fmt::{Arguments, Write as _},
    io::{Write as _, stderr},
};

/// Prints a line to stderr, as `eprintln!` does, but drops it where nobody can read it, and escapes what would steer a
/// terminal.
macro_rules! tell {
    ($($words:tt)*) => { $crate::cli::talk::tell(format_args!($($words)*)) };
}

/// See [`tell!`].
pub fn tell(words: Arguments<'_>) {
    let line = harmless(&format!("{words}\n"));
    let _nobody_reads = stderr().lock().write_all(line.as_bytes());
}

/// The text with what steers a terminal (control characters other than new lines and tabs, and those that turn the
/// direction of writing) as Rust would write it.
pub fn harmless(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n' && c != '\t') || turns(c) {
            let _never_fails = write!(shown, "{}", c.escape_debug());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(
            harmless("a\u{1b}]0;b\u{7}\u{9b}2J\rc\u{202e}d\n\te é漢"),
            "a\\u{1b}]0;b\\u{7}\\u{9b}2J\\rc\\u{202e}d\n\te é漢"
        );
    }
}
