// y = activate(a · x + b), a and b of each channel from `stats`: mean, inverse, a, b
override ITEMS: u32; // rows
override C: u32;     // channels
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ITEMS, C)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ITEMS, C)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> stats: array<f32>; // (4, C)
@group(0) @binding(2) var<storage, read> stats4: array<vec4<f32>>;
// batch ITEMS
// grid COUNT = ITEMS * C
// case ITEMS=1,C=1
// case ITEMS=7,C=5
// case ITEMS=130,C=68
// case ITEMS=4101,C=4
// case ITEMS=2,C=4104
