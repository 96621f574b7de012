#![no_main]
//! Fuzzes pictures (PNG, JPEG, WebP), prepared as for a folder of pictures and as for `predict`.

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use wgrad_data::{picture::read_picture, pictures::Preparation, reading::Fit};

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzzed");
    for fit in [Fit::Crop, Fit::Pad, Fit::Stretch] {
        if let Ok(pixels) = (Preparation { height: 5, width: 9, channels: 3, fit }).read(name, bytes) {
            assert_eq!(pixels.len(), 5 * 9 * 3);
        }
    }
    let _either = read_picture(name, bytes, 28, 28);
});
