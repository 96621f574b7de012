//! What is written about wgrad.

mod documents;
