//! What can go wrong with networks of other programs, as [`wgrad::error`] has it for the engine: what was attempted, found and
//! expected, and what to do next.

use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with such a file, one variant a cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the engine says: of files, layers, weights and the device.
    #[error(transparent)]
    Engine(#[from] wgrad::Error),
    /// A model file that cannot be read as one.
    #[error("{}{}: {message}", path.display(), line.map_or(String::new(), |n| format!(": line {n}")))]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong, and what is known.
        message: String,
    },
    /// A network that ONNX cannot hold, or an ONNX file that wgrad cannot.
    #[error("{what}: {message}")]
    Onnx {
        /// The file, or the network.
        what: String,
        /// What does not fit, and what would.
        message: String,
    },
}

/// The error of weights: `what` is the file.
pub(crate) fn checkpoint_error(what: String, message: String) -> Error {
    Error::Engine(wgrad::Error::Checkpoint { what, message })
}

/// Turns an I/O error into this crate's, with the path and what was attempted.
pub(crate) fn io_error(
    action: &'static str,
    path: &Path,
    next: &'static str,
) -> impl FnOnce(std::io::Error) -> Error {
    let engine = wgrad::error::io_error(action, path, next);
    move |source| Error::Engine(engine(source))
}
