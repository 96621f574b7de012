// forward: y = activate(x).
// dx = dy * activate_grad(at), where `at` is the output y, or the input x of an activation whose gradient is a function of it.
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> at: array<f32>; // (COUNT) activated
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> at4: array<vec4<f32>>;
// batch COUNT
// grid COUNT
// case COUNT=1
// case COUNT=77
// case COUNT=70004
