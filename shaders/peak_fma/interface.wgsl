// y[i] = Σ of 12 numbers that went through v = 0.7 · v + x[i], 16 times in each of ROUNDS rounds. What this reaches is
// the peak that other kernels are measured by: 12 independent chains of multiplications and additions, no memory.
override COUNT: u32;
override ROUNDS: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT)
// batch COUNT
// grid COUNT
// flops 384 * COUNT * ROUNDS
// case COUNT=1,ROUNDS=1
// case COUNT=131,ROUNDS=3
