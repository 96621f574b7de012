// Batch normalization (Ioffe and Szegedy 2015), statistics and moving averages as in Keras 3.
// Outside of training: stats as `batch_norm_combine` writes them, from the moving averages.
override C: u32;
override EPSILON: f32;
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> stats: array<f32>; // (4, C)
@group(0) @binding(1) var<storage, read> moving_mean: array<f32>; // (C)
@group(0) @binding(2) var<storage, read> moving_variance: array<f32>; // (C) positive
@group(0) @binding(3) var<storage, read> gamma: array<f32>; // (C)
@group(0) @binding(4) var<storage, read> beta: array<f32>; // (C)
// grid C
// case C=1,EPSILON=0.001,SCALED=1
// case C=77,EPSILON=0.25,SCALED=0
// case C=4101,EPSILON=0.001,SCALED=1
