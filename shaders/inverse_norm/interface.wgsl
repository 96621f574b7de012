// What a tensor is multiplied by to get the norm 1: scale = 1 / (√Σ partials + EPSILON)
override SPLITS: u32;
override EPSILON: f32;
@group(0) @binding(0) var<storage, read_write> scale: array<f32>; // (1)
@group(0) @binding(1) var<storage, read> partials: array<f32>; // (SPLITS) positive
// grid ONE = 1
// case SPLITS=1,EPSILON=0.0000001
// case SPLITS=5,EPSILON=0.5
// case SPLITS=4101,EPSILON=0.0000001
