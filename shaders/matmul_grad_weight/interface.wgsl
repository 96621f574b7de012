// forward: y = x · w + b.
// dw = xᵀ · dy, db = the column sums of dy.
override M: u32; // rows: the batch
override N: u32; // units
override K: u32; // inputs of a unit
@group(0) @binding(0) var<storage, read_write> dw: array<f32>; // (K, N)
@group(0) @binding(0) var<storage, read_write> dw4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> db: array<f32>; // (N)
@group(0) @binding(1) var<storage, read_write> db4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<f32>; // (M, K)
@group(0) @binding(2) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dy: array<f32>; // (M, N)
@group(0) @binding(3) var<storage, read> dy4: array<vec4<f32>>;
// batch M
// grid N, K
// flops 2 * M * N * K
