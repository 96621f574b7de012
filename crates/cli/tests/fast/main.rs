//! Tests of the documents about wgrad.

mod documents;
