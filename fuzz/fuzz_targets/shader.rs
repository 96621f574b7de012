#![no_main]
//! Fuzzes a user's WGSL file as a variant of the matrix product.

use libfuzzer_sys::fuzz_target;
use wgrad::{kernels::OPERATIONS, op::user_file};

fuzz_target!(|text: &str| {
    let op = OPERATIONS.iter().find(|op| op.name == "matmul").expect("is there");
    if let Ok(variant) = user_file::variant(op, "fuzzed", text.to_string()) {
        let _either = op.shader(&variant, &wgrad::op::activations::RELU);
    }
});
