#![no_main]
//! Fuzzes Keras archives: a zip with JSON, and weights in HDF5.

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad_formats::keras;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fuzzed.keras");
    fs::write(&path, bytes).expect("written");
    if let Ok(loaded) = keras::load(&path, [28, 28, 1])
        && let Ok(parameters) = loaded.model.parameters()
    {
        let _either = keras::checkpoint(&path, &parameters);
    }
});
