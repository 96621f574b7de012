//! wgrad trains neural networks on any GPU through wgpu, with hand-written WGSL compute kernels.
//!
//! The modules, in the order in which a batch passes through them:
#![deny(unsafe_code)]
#![warn(missing_docs)]

/// The one comparison, NaN-safe.
pub mod compare;
/// Data sets: IDX files, Fashion-MNIST (find, verify, download), synthetic garments, pictures.
pub mod data;
/// The one error type: what, got, expected, what to do next.
pub mod error;
/// What changes from step to step: which images, how many, the learning rate, the random key.
pub mod feed;
/// Everything that talks to wgpu: adapters, kernels bound by name, buffers, replayed plans.
pub mod gpu;
/// The page: every operation, its variants, their needs, its CPU twin.
pub mod kernels;
/// What an operation is: interface, variants, twin.
pub mod op;
/// Proof of a variant on this device: poisoned outputs, guard bands, against the twin.
pub mod prove;
/// The CPU twins: plain loops in f64 that define every kernel.
pub mod reference;

pub use error::{Error, Result};
