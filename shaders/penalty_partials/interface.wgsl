// The penalty of a tensor, first pass: partials[s] = Σ L1 · |w[i]| + L2 · w[i]², i = s, s + SPLITS, s + 2 · SPLITS ..., in order.
override COUNT: u32;
override SPLITS: u32;
override L1: f32;
override L2: f32;
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS)
@group(0) @binding(1) var<storage, read> w: array<f32>; // (COUNT)
// batch COUNT
// grid SPLITS
// case COUNT=1,SPLITS=1,L1=0.01,L2=0.01
// case COUNT=77,SPLITS=5,L1=0,L2=0.001
// case COUNT=4099,SPLITS=130,L1=0.5,L2=0
// case COUNT=70001,SPLITS=3,L1=0.0001,L2=0.02
