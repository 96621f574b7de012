// One pass of a radix sort: keys and the order that goes with them, moved so that smaller digits come first and equal ones stay
// in their order. The digit is (token(key) >> SHIFT) % 8; passes with SHIFT 0, 3, 6 ... sort all keys below 8 ^ passes.
override COUNT: u32;
override SHIFT: u32;
@group(0) @binding(0) var<storage, read_write> sorted: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read_write> places: array<u32>; // (COUNT)
@group(0) @binding(2) var<storage, read> keys: array<f32>; // (COUNT)
@group(0) @binding(3) var<storage, read> order: array<u32>; // (COUNT) below COUNT
// batch COUNT
// grid ONE = 1
// uses token

fn digit_of(i: u32) -> u32 { return (token(keys[i], 16777215u) >> SHIFT) % 8u; }
// case COUNT=1,SHIFT=0
// case COUNT=77,SHIFT=0
// case COUNT=300,SHIFT=3
// case COUNT=4101,SHIFT=6
