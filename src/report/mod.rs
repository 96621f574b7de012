//! What wgrad shows a person: tables, numbers in words, pictures of data.

/// Samples of a data set on one PNG.
pub mod contact_sheet;
/// Tables for a terminal or a pipe.
pub mod table;
/// Numbers as people read them.
pub mod words;
