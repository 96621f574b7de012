#![no_main]
//! Fuzzes pictures sent to a network, both of any size and proportions; the last four bytes select the network's size.
//! The result has the network's size, and memory use is bounded by the sizes of both.

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use wgrad_data::{picture::read_picture, pictures::Preparation, reading::Fit};

fuzz_target!(|bytes: &[u8]| {
    let [.., a, b, c, d] = bytes else { return };
    let side = |high: u8, low: u8| usize::from(u16::from_be_bytes([high & 1, low])).max(1);
    let (height, width) = (side(*a, *b), side(*c, *d));
    let name = Path::new("sent");
    if let Ok(picture) = read_picture(name, bytes, height, width) {
        assert_eq!(picture.pixels.len(), height * width);
    }
    let fit = [Fit::Crop, Fit::Pad, Fit::Stretch][usize::from(*a >> 6).min(2)];
    if let Ok(pixels) = (Preparation { height, width, channels: 3, fit }).read(name, bytes) {
        assert_eq!(pixels.len(), height * width * 3);
    }
});
