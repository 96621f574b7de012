//! Tests of charts, pages and contact sheets. They need no adapter.

mod charts;
mod contact_sheet;
mod page;
