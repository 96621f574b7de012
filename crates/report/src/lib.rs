//! What wgrad shows a person: tables, numbers in words, charts, pages, pictures of data.
#![deny(unsafe_code)]
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]
#![warn(missing_docs)]

/// Images as a training sees them.
pub mod augmented;
/// Samples of a data set on one PNG.
pub mod contact_sheet;
/// Charts as SVG.
pub mod chart;
/// Activations and their derivatives as a chart.
pub mod activations;
/// Small pictures with words under them.
pub mod gallery;
/// Numbers as pixels.
pub mod pixels;
/// Trainings as a page: curves, classes, what a network sees.
pub mod runs;
/// The lab's rows as a page.
pub mod lab;
/// How the time of a step grows, as a page.
pub mod growth;
/// A profile as a page.
pub mod profile;
/// Two trainings side by side as a page.
pub mod trainings;
/// The range test of learning rates as a chart and a page.
pub mod learning_rate;
/// A report as one HTML file.
pub mod page;
/// Tables for a terminal or a pipe.
pub mod table;

/// Event files for TensorBoard.
pub mod tensorboard;
