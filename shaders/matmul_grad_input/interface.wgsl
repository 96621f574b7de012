// forward: y = x · w + b, where x = activate(z) came from the layer before.
// dx = (dy · wᵀ) * activate_grad(x): the gradient of z, or of x where the activation is linear.
override M: u32; // rows: the batch
override N: u32; // units
override K: u32; // inputs of a unit
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (M, K)
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (M, N)
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<f32>; // (K, N)
@group(0) @binding(2) var<storage, read> w4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> x: array<f32>; // (M, K) activated
@group(0) @binding(3) var<storage, read> x4: array<vec4<f32>>;
// batch M
// grid K, M
// flops 2 * M * N * K
