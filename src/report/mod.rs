//! What wgrad shows a person: tables, numbers in words, charts, pages, pictures of data.

/// Images as a training sees them.
pub mod augmented;
/// Samples of a data set on one PNG.
pub mod contact_sheet;
/// Charts as SVG.
pub mod chart;
/// The lab's rows as a page.
pub mod lab;
/// A report as one HTML file.
pub mod page;
/// Tables for a terminal or a pipe.
pub mod table;
/// Numbers as people read them.
pub mod words;
