#![no_main]
//! Fuzzes numpy arrays in a zip.

mod common;

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad_data::Reading;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fuzzed.npz");
    fs::write(&path, bytes).expect("written");
    common::look_at(&path, &Reading::default());
});
