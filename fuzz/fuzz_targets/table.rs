#![no_main]
//! Tables of comma-separated values; the first byte says what becomes of missing ones.

mod common;

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad::data::{Reading, reading::Missing};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let missing = match first % 3 {
        0 => Missing::Error,
        1 => Missing::Drop,
        _ => Missing::Mean,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fuzzed.csv");
    fs::write(&path, text).expect("written");
    common::look_at(&path, &Reading { missing, ..Reading::default() });
});
