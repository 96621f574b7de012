// y = a function of two elements, one of a list; `add` is an operation of its own.
override COUNT: u32;
override FUNCTION: u32; // 0 a - b, 1 a · b, 2 the smaller, 3 the larger
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> b: array<f32>; // (COUNT)
// batch COUNT
// grid COUNT
// case COUNT=1,FUNCTION=0
// case COUNT=77,FUNCTION=1
// case COUNT=77,FUNCTION=2
// case COUNT=70001,FUNCTION=3
