// forward: y[i, u] = w[token(x[i]), u]
// dw[k, u] = Σ dy[order[q], u], q = starts[k] ... starts[k + 1] - 1: the gradients of all places where word k stands, in their
// order. `order` lists the places sorted by their words, `starts` where those of each word begin.
override COUNT: u32;
override WORDS: u32;
override UNITS: u32;
@group(0) @binding(0) var<storage, read_write> dw: array<f32>; // (WORDS, UNITS)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (COUNT, UNITS)
@group(0) @binding(2) var<storage, read> order: array<u32>; // (COUNT) below COUNT
@group(0) @binding(3) var<storage, read> starts: array<u32>; // (WORDS + 1) below COUNT
// batch COUNT
// grid ITEMS = WORDS * UNITS
// case COUNT=1,WORDS=1,UNITS=1
// case COUNT=77,WORDS=4,UNITS=3
// case COUNT=33,WORDS=4101,UNITS=2
// case COUNT=1000,WORDS=32,UNITS=16
