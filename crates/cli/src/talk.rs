//! Messages on stderr. They never fail and never end the program: if stderr is gone or full, they are dropped. They
//! contain names from files, so terminal control characters are escaped.

use super::{fields::spelled, page::called};
use std::{
    fmt::Arguments,
    io::{Write as _, stderr},
};
use wgrad::words::printable;

/// Prints a line to stderr like `eprintln!`, but drops it if it cannot be written, and escapes terminal control
/// characters.
macro_rules! tell {
    ($($words:tt)*) => { $crate::talk::tell(format_args!($($words)*)) };
}

/// Implementation of [`tell!`]. It replaces the library's names by those of the command line, and `wgrad` in commands
/// by the name that this program was called by.
pub fn tell(words: Arguments<'_>) {
    let line = format!("{words}\n");
    let _nobody_reads = stderr().lock().write_all(printable(&called(&spelled(&line))).as_bytes());
}
