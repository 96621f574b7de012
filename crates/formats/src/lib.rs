//! Networks of other programs: models as TOML files with Keras's names, Keras's own files, and ONNX.
// Printing is up to the program; also, `eprintln!` panics where stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Errors of this crate.
pub mod error;
mod regularization;
/// Models as TOML files with Keras's names.
pub mod model_file;
/// Models and weights in Keras's formats: JSON, `.keras`, `.weights.h5`.
pub mod keras;
/// ONNX: import and export of networks; ONNX's test cases on wgrad's kernels.
pub mod onnx;

pub use error::{Error, Result};
