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
// case M=1,N=1,K=1
// case M=3,N=5,K=7
// case M=32,N=10,K=784
// case M=17,N=4,K=16
// case M=33,N=68,K=9
// case M=41,N=23,K=44
// case M=65,N=132,K=36
// case M=128,N=64,K=64
// case M=130,N=131,K=67
// case M=70000,N=1,K=1
// case M=3,N=8,K=4100
// case M=2,N=4104,K=4
