// y = activate(x)
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1
// case COUNT=77
// case COUNT=70004
