// y = activate(a + b)
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> b: array<f32>; // (COUNT)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> a4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1
// case COUNT=77
// case COUNT=70004
