// The squared norm of all gradients, first pass: partial[s] = Σ grad[i]², i = s, s + SPLITS, s + 2 · SPLITS ..., in order.
override COUNT: u32;
override SPLITS: u32;
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS)
@group(0) @binding(1) var<storage, read> grad: array<f32>; // (COUNT)
// batch COUNT
// grid SPLITS
// case COUNT=1,SPLITS=1
// case COUNT=77,SPLITS=5
// case COUNT=4099,SPLITS=130
// case COUNT=70001,SPLITS=3
