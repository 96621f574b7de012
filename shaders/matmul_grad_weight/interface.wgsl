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
// case M=1,N=1,K=1
// case M=7,N=5,K=3
// case M=32,N=10,K=784
// case M=17,N=4,K=16
// case M=9,N=68,K=33
// case M=41,N=23,K=44
// case M=36,N=132,K=65
// case M=36,N=132,K=68
// case M=128,N=64,K=64
// case M=130,N=131,K=67
// case M=4100,N=4,K=8
// case M=4,N=4104,K=4
// case M=4,N=4,K=4104
