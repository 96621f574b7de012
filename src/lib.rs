//! wgrad trains neural networks on any GPU through wgpu, with hand-written WGSL compute kernels.
//!
//! The modules, in the order in which a batch passes through them:
#![deny(unsafe_code)]
#![warn(missing_docs)]

/// Data sets: IDX files, Fashion-MNIST (find, verify, download), synthetic garments, pictures.
pub mod data;
/// The one error type: what, got, expected, what to do next.
pub mod error;
/// Pictures and tables for people: contact sheets.
pub mod report;

pub use error::{Error, Result};
