//! Networks of other programs: models as TOML files with Keras's names, Keras's own files, and ONNX.
#![deny(unsafe_code)]
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]
#![warn(missing_docs)]

/// Models as TOML files with Keras's names.
pub mod model_file;
/// Models and weights as Keras writes them: JSON, `.keras`, `.weights.h5`.
pub mod keras;
/// ONNX: networks to and from its files; its own test cases on wgrad's kernels.
pub mod onnx;
