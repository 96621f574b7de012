//! Data sets for training: images in memory or from any other source, labels, and the stream that shuffles them, cuts
//! them into chunks and gathers the next one in the background. This module reads no files.

/// Seeded random number generator.
pub mod random;
/// Conversion of a table's columns into numbers.
pub mod schema;
/// Sources of images: memory, files, a caller.
pub mod source;
/// Images and labels: splits, validation share, digest.
pub mod dataset;
/// Data sets made in code, from arrays.
pub mod arrays;
mod numbering;
/// Shuffled batches in chunks, gathered by a separate thread.
pub mod stream;
/// Mean and standard deviation of each channel, in one pass.
pub mod normalization;

pub(crate) use arrays::no_word;
pub use dataset::{Dataset, Split};
