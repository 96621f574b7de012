// y = a and b side by side: the last axis is A + B long
override ROWS: u32;
override A: u32; // columns of a
override B: u32; // columns of b
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, A + B)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (ROWS, A) copied
@group(0) @binding(2) var<storage, read> b: array<f32>; // (ROWS, B) copied
// batch ROWS
// grid ITEMS = ROWS * A + ROWS * B
