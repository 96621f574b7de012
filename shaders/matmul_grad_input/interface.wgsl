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
// case M=1,N=1,K=1
// case M=3,N=5,K=7
// case M=32,N=10,K=784
// case M=17,N=16,K=4
// case M=33,N=68,K=9
// case M=41,N=23,K=44
// case M=65,N=36,K=132
// case M=128,N=64,K=64
// case M=130,N=131,K=67
// case M=3,N=4100,K=8
// case M=2,N=4,K=4104
