// y = a and b side by side: the last axis is A + B long
override ROWS: u32;
override A: u32; // columns of a
override B: u32; // columns of b
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, A + B)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (ROWS, A) copied
@group(0) @binding(2) var<storage, read> b: array<f32>; // (ROWS, B) copied
// batch ROWS
// grid ITEMS = ROWS * A + ROWS * B
// case ROWS=1,A=1,B=1
// case ROWS=5,A=3,B=7
// case ROWS=77,A=16,B=8
// case ROWS=2,A=4101,B=3
// case ROWS=2,A=3,B=4101
// case ROWS=4101,A=2,B=1
