// The polynomial of a step of Newton and Schulz's iteration: p = A · I + B · g + C · g², where g = x · xᵀ. The next x is
// p · x, whose singular values s are A · s + B · s³ + C · s⁵.
override SIZE: u32;
override A: f32;
override B: f32;
override C: f32;
@group(0) @binding(0) var<storage, read_write> p: array<f32>; // (SIZE, SIZE)
@group(0) @binding(1) var<storage, read> g: array<f32>; // (SIZE, SIZE)
@group(0) @binding(2) var<storage, read> squared: array<f32>; // (SIZE, SIZE) g · g
// grid COUNT = SIZE * SIZE
// case SIZE=1,A=3.4445,B=-4.775,C=2.0315
// case SIZE=7,A=3.4445,B=-4.775,C=2.0315
// case SIZE=65,A=1.5,B=-0.5,C=0
// case SIZE=257,A=3.4445,B=-4.775,C=2.0315
