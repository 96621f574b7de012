//! Presentation of wgrad's results: tables, numbers in words, charts, pages, pictures of data, event files.
// A library does not print, and `eprintln!` panics if stderr is closed.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Augmented images, as a training sees them.
pub mod augmented;
/// Samples of a data set as one PNG.
pub mod contact_sheet;
/// Numbers as pixels.
pub mod pixels;
/// Charts as SVG.
pub mod chart;
/// Activations and their derivatives as a chart.
pub mod activations;
/// Small pictures with captions.
pub mod gallery;
/// A report as one HTML file.
pub mod page;
/// The lab's rows as a page.
pub mod lab;
/// The lab's rows as JUnit XML.
pub mod junit;
/// A profile as a page.
pub mod profile;
/// Trainings as a page: curves, classes, what a network sees.
pub mod runs;
/// Growth of the time of a step, as a page.
pub mod growth;
/// Comparison of two trainings, as a page.
pub mod trainings;
/// The range test of learning rates as a chart and a page.
pub mod learning_rate;
/// Tables for a terminal or a pipe.
pub mod table;
/// Event files for TensorBoard.
pub mod tensorboard;
