//! Talk, on stderr. It never fails and ends nothing: where stderr is gone or full, what cannot be told is dropped. Names
//! that come from files are among it, so whatever would steer the terminal is shown instead of sent.

use super::{fields::spelled, page::called};
use std::{
    fmt::Arguments,
    io::{Write as _, stderr},
};
use wgrad::words::printable;

/// Prints a line to stderr, as `eprintln!` does, but drops it where nobody can read it, and escapes what would steer a
/// terminal.
macro_rules! tell {
    ($($words:tt)*) => { $crate::talk::tell(format_args!($($words)*)) };
}

/// See [`tell!`]. What the library says is told in the words of the command line, and commands as this program was called.
pub fn tell(words: Arguments<'_>) {
    let line = format!("{words}\n");
    let _nobody_reads = stderr().lock().write_all(printable(&called(&spelled(&line))).as_bytes());
}
