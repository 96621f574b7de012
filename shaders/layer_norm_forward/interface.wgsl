// Layer normalization (Ba, Kiros and Hinton 2016) over the last axis.
// y = activate(gamma · (x - mean) · inverse + beta), inverse = 1 / √(variance + EPSILON); stats = mean and inverse.
override ITEMS: u32; // rows
override C: u32;     // length of a row
override EPSILON: f32;
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ITEMS, C)
@group(0) @binding(1) var<storage, read_write> stats: array<f32>; // (ITEMS, 2)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ITEMS, C)
@group(0) @binding(3) var<storage, read> gamma: array<f32>; // (C)
@group(0) @binding(4) var<storage, read> beta: array<f32>; // (C)
// batch ITEMS
// grid ITEMS
// case ITEMS=1,C=1,EPSILON=0.001,SCALED=1
// case ITEMS=33,C=7,EPSILON=0.25,SCALED=0
// case ITEMS=70,C=128,EPSILON=0.001,SCALED=1
// case ITEMS=2,C=4101,EPSILON=0.001,SCALED=1
// case ITEMS=4101,C=3,EPSILON=0.001,SCALED=1
