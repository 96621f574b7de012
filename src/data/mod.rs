//! A data set as a training takes it: images in memory or wherever they come from, labels, and the stream that shuffles them,
//! cuts them into chunks and gathers the next one in the background. Leaves out reading files.

/// A seeded generator.
pub mod random;
/// How the columns of a table become numbers.
pub mod schema;
/// Where images come from: memory, files, a caller.
pub mod source;
/// Images and labels: splits, validation share, digest.
pub mod dataset;
/// A data set made in code, from arrays.
pub mod arrays;
mod numbering;
/// Shuffled batches in chunks, gathered by a thread of their own.
pub mod stream;
/// Mean and deviation of each channel, in one pass.
pub mod normalization;

pub use dataset::{Dataset, Split};
