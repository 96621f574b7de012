#![no_main]
//! Fuzzes ONNX models, up to their import as a network of wgrad's layers.

use libfuzzer_sys::fuzz_target;
use wgrad_formats::onnx::{import, read};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = read("fuzzed.onnx", bytes) {
        let _either = import::import("fuzzed.onnx", &file, &import::Options::default());
    }
});
