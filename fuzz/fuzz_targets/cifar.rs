#![no_main]
//! Fuzzes CIFAR's binary files; the bytes after the records are the names of the classes.

mod common;

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad_data::Reading;

fuzz_target!(|bytes: &[u8]| {
    let (records, names) = bytes.split_at(bytes.len() / 3073 * 3073);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in
        [("data_batch_1.bin", records), ("test_batch.bin", records), ("batches.meta.txt", names)]
    {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    common::look_at(folder.path(), &Reading::default());
});
