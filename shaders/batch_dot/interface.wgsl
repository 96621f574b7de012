// y[n, i, j] = Σ_k a[n, i, k] · b[n, j, k]: a product of two matrices for each image
override N: u32; // images
override I: u32; // rows of a
override J: u32; // rows of b
override K: u32; // length of a row
override A_TURNED: u32 = 0u; // 1: a is (N, K, I)
override B_TURNED: u32 = 0u; // 1: b is (N, K, J)
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, I, J)
@group(0) @binding(1) var<storage, read> a: array<f32>; // (N, I, K)
@group(0) @binding(2) var<storage, read> b: array<f32>; // (N, J, K)
// batch N
// flops 2 * N * I * J * K
// grid COUNT = N * I * J
// case N=1,I=1,J=1,K=1
// case N=3,I=5,J=7,K=4
// case N=2,I=4,J=3,K=5,A_TURNED=1
// case N=2,I=3,J=6,K=5,B_TURNED=1
// case N=2,I=5,J=2,K=9,A_TURNED=1,B_TURNED=1
// case N=3,I=1,J=1,K=4101
// case N=1,I=4101,J=2,K=3,A_TURNED=1
// case N=1,I=2,J=4101,K=3,B_TURNED=1
// case N=4101,I=1,J=2,K=2
// case N=2,I=33,J=34,K=37
// case N=3,I=41,J=65,K=8,A_TURNED=1
// case N=2,I=32,J=70,K=13,B_TURNED=1
// case N=2,I=66,J=33,K=34,A_TURNED=1,B_TURNED=1
