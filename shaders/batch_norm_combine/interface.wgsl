// Batch normalization (Ioffe and Szegedy 2015), statistics and moving averages as in Keras 3.
// Second pass: mean and variance of each channel from those of the splits (Chan, Golub and LeVeque 1983), in order.
// stats = mean, inverse = 1 / √(variance + EPSILON), a = gamma · inverse, b = beta - mean · a, so that y = a · x + b.
// moving = MOMENTUM · moving + (1 - MOMENTUM) · (mean or variance).
override ROWS: u32;
override SPATIAL: u32;
override C: u32;
override SPLITS: u32;
override PER: u32;
override MOMENTUM: f32;
override EPSILON: f32;
override SCALED: u32; // 0: gamma is 1, whatever stands there
@group(0) @binding(0) var<storage, read_write> stats: array<f32>; // (4, C)
@group(0) @binding(1) var<storage, read_write> moving_mean: array<f32>; // (C) in place
@group(0) @binding(2) var<storage, read_write> moving_variance: array<f32>; // (C) in place, positive
@group(0) @binding(3) var<storage, read> partials: array<f32>; // (SPLITS, 2, C) by C any; positive: means and squares
@group(0) @binding(4) var<storage, read> affine: array<f32>; // (2, C) gamma, beta: a copy, as the moving averages lie in their arena
// batch ROWS
// splits ROWS * SPATIAL
// grid C
// uses feed
// case ROWS=1,SPATIAL=4,C=1,SPLITS=1,PER=4,MOMENTUM=0.5,EPSILON=0.001,SCALED=1
// case ROWS=7,SPATIAL=6,C=5,SPLITS=4,PER=11,MOMENTUM=0.99,EPSILON=0.001,SCALED=0
// case ROWS=16,SPATIAL=9,C=68,SPLITS=9,PER=16,MOMENTUM=0.9,EPSILON=0.00001,SCALED=1
// case ROWS=1031,SPATIAL=2,C=3,SPLITS=1031,PER=2,MOMENTUM=0.9,EPSILON=0.001,SCALED=1
// case ROWS=2,SPATIAL=3,C=4101,SPLITS=2,PER=3,MOMENTUM=0.9,EPSILON=0.001,SCALED=1
