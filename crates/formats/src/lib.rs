//! Networks of other programs: models as TOML files with Keras's names, Keras's own files, and ONNX.
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// What can go wrong with such files.
pub mod error;
/// Models as TOML files with Keras's names.
pub mod model_file;
/// Models and weights as Keras writes them: JSON, `.keras`, `.weights.h5`.
pub mod keras;
/// ONNX: networks to and from its files; its own test cases on wgrad's kernels.
pub mod onnx;

pub use error::{Error, Result};
