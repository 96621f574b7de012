// grad += L1 · sign(w) + 2 · L2 · w: the gradient of the penalty L1 · Σ |w| + L2 · Σ w², where sign(0) = 0.
override COUNT: u32;
override L1: f32;
override L2: f32;
@group(0) @binding(0) var<storage, read_write> grad: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read> w: array<f32>; // (COUNT)
// grid COUNT
// case COUNT=1,L1=0.01,L2=0.01
// case COUNT=77,L1=0,L2=0.001
// case COUNT=70001,L1=0.5,L2=0
