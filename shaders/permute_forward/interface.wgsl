// y[n, i0, i1, i2, i3] = x[n · D0 · D1 · D2 · D3 + i0 · S0 + i1 · S1 + i2 · S2 + i3 · S3]: the axes of x in another order
override N: u32;  // images
override D0: u32; // lengths of the axes of y
override D1: u32;
override D2: u32;
override D3: u32;
override S0: u32; // steps in x from one number of each of these axes to the next
override S1: u32;
override S2: u32;
override S3: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, D0, D1, D2, D3)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, D0, D1, D2, D3) copied: in its own order
// batch N
// grid COUNT = N * D0 * D1 * D2 * D3
// case N=1,D0=1,D1=1,D2=1,D3=1,S0=1,S1=1,S2=1,S3=1
// case N=3,D0=1,D1=1,D2=7,D3=5,S0=1,S1=1,S2=1,S3=7
// case N=2,D0=1,D1=3,D2=5,D3=7,S0=1,S1=1,S2=21,S3=3
// case N=2,D0=2,D1=3,D2=4,D3=5,S0=1,S1=10,S2=30,S3=2
// case N=1,D0=1,D1=3,D2=4101,D3=2,S0=1,S1=1,S2=6,S3=3
// case N=4101,D0=1,D1=1,D2=2,D3=3,S0=1,S1=1,S2=1,S3=2
