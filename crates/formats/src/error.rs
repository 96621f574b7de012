//! Errors with networks of other programs, in the form that [`wgrad::error`] defines for the engine: what was
//! attempted, found and expected, and what to do next.

use std::path::{Path, PathBuf};
use wgrad::words::meant;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error in a file of another program; each variant is one cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of the engine: of files, layers, weights and the device.
    #[error(transparent)]
    Engine(#[from] wgrad::Error),
    /// A model file is invalid.
    #[error("{}{}: {message}", path.display(), line.map_or(String::new(), |n| format!(": line {n}")))]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
        /// The fault, and the supported alternatives.
        message: String,
    },
    /// A network that ONNX cannot represent, or an ONNX file that wgrad cannot.
    #[error("{what}: {message}")]
    Onnx {
        /// The file, or the network.
        what: String,
        /// The part that does not fit, and the supported alternatives.
        message: String,
    },
}

/// The error of a file of weights; `what` is the file.
pub(crate) fn checkpoint_error(what: String, message: String) -> Error {
    Error::Engine(wgrad::Error::Checkpoint { what, message })
}

/// Converts an I/O error into this crate's, with the path and the attempted action.
pub(crate) fn io_error(
    action: &'static str,
    path: &Path,
    next: &'static str,
) -> impl FnOnce(std::io::Error) -> Error {
    let engine = wgrad::error::io_error(action, path, next);
    move |source| Error::Engine(engine(source))
}

/// serde's message about an unknown name, with the known one that is most like it.
pub(crate) fn with_meant(message: String) -> String {
    let name = message.split_once('`').and_then(|(_, rest)| rest.split_once("`, expected "));
    let meant = name.map(|(got, known)| meant(got, known.trim_start_matches("one of ")));
    message + &meant.unwrap_or_default()
}

/// The message of an error in a layer's arguments, with the name of the argument.
pub(crate) fn said(error: &toml::de::Error) -> String {
    let whole = error.to_string();
    let key = whole.lines().last().and_then(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    let message = error.message();
    let own = message.starts_with("unknown field") || message.starts_with("missing field");
    // serde's messages contain names of Rust types.
    let message = message
        .replace("expected usize", "expected a whole number of at least 0")
        .replace("expected f64", "expected a number")
        .replace("expected a boolean", "expected true or false");
    let message = with_meant(message);
    match key {
        Some(key) if !own => format!("{key}: {message}"),
        _ => message,
    }
}
