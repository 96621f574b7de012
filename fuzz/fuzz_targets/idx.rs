#![no_main]
//! Fuzzes IDX files, plain and gzipped: the data must have as many bytes as the shape says.

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use wgrad_data::idx;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = idx::parse(bytes, Path::new("fuzzed")) {
        assert_eq!(read.shape.iter().product::<usize>(), read.data.len());
    }
});
