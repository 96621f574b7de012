//! The one error type of the library. Every message says what was attempted, what was found, what
//! was expected and what to do next. It leaves out exit codes: those belong to the command line.

use std::path::PathBuf;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, one variant a cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read, written or renamed.
    #[error("{action} {}: {source}{}", path.display(), hint(next))]
    Io {
        /// What was attempted, as a verb: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
        /// What the user can do; may be empty.
        next: &'static str,
    },
}

fn hint(next: &str) -> String {
    if next.is_empty() { String::new() } else { format!("; {next}") }
}
