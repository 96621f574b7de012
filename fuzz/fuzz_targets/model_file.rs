#![no_main]
//! Fuzzes networks in TOML: a network that is accepted can be summarised and written again.

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use wgrad_formats::model_file;

fuzz_target!(|text: &str| {
    if let Ok(model) = model_file::parse(Path::new("fuzzed.toml"), text) {
        let _either = model.summary();
        let _either = model_file::to_text(&model);
    }
});
