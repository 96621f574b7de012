//! What wgrad shows a person: tables, numbers in words, charts, pages, pictures of data.
// What a program prints is its own affair; and `eprintln!` panics where stderr is gone.
#![deny(clippy::print_stderr, clippy::print_stdout, clippy::exit)]

/// Images as a training sees them.
pub mod augmented;
/// Samples of a data set on one PNG.
pub mod contact_sheet;
/// Charts as SVG.
pub mod chart;
/// Activations and their derivatives as a chart.
pub mod activations;
/// Numbers as pixels.
pub mod pixels;
/// Small pictures with words under them.
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
/// How the time of a step grows, as a page.
pub mod growth;
/// Two trainings side by side as a page.
pub mod trainings;
/// The range test of learning rates as a chart and a page.
pub mod learning_rate;
/// Tables for a terminal or a pipe.
pub mod table;
/// Event files for TensorBoard.
pub mod tensorboard;
