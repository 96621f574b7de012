// y = activate(x · w + b)
override M: u32; // rows of x: the batch
override N: u32; // columns of w: units
override K: u32; // inner length: inputs of a unit
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (M, N)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (M, K)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<f32>; // (K, N)
@group(0) @binding(2) var<storage, read> w4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> b: array<f32>; // (N)
@group(0) @binding(3) var<storage, read> b4: array<vec4<f32>>;
// batch M
// grid N, M
// flops 2 * M * N * K
