#![no_main]
//! Fuzzes Keras's JSON.

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use wgrad_formats::keras;

fuzz_target!(|text: &str| {
    if let Ok(loaded) = keras::parse(Path::new("fuzzed.json"), text, [28, 28, 1]) {
        let _either = loaded.model.summary();
    }
});
