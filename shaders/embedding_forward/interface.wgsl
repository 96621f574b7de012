// y[i, u] = w[token(x[i]), u]: the row of the table that a number stands for. Numbers outside of the table count as the nearest.
override COUNT: u32; // tokens
override WORDS: u32; // rows of the table
override UNITS: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT, UNITS)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> w: array<f32>; // (WORDS, UNITS)
// batch COUNT
// grid ITEMS = COUNT * UNITS
// uses token
// case COUNT=1,WORDS=1,UNITS=1
// case COUNT=7,WORDS=5,UNITS=3
// case COUNT=130,WORDS=1000,UNITS=16
// case COUNT=33,WORDS=4101,UNITS=5
