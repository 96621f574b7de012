//! What wgrad shows a person: pictures of data.

/// Samples of a data set on one PNG.
pub mod contact_sheet;
