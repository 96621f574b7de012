// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse, mean and inverse over the n valid rows.
// dgamma, dbeta = the sum of the splits, in order.
// dx = gamma · inverse · (dy - (dbeta + x̂ · dgamma) / n) = k0 · dy + k1 · x + k2, so for each channel
// k0 = gamma · inverse, k1 = -k0 · inverse · dgamma / n, k2 = -k0 · dbeta / n - k1 · mean.
override SPATIAL: u32;
override C: u32;
override SPLITS: u32;
override ROWS: u32;   // images a batch
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> dgamma: array<f32>; // (C)
@group(0) @binding(1) var<storage, read_write> dbeta: array<f32>; // (C)
@group(0) @binding(2) var<storage, read_write> coefficients: array<f32>; // (3, C)
@group(0) @binding(3) var<storage, read> partials: array<f32>; // (SPLITS, 2, C)
@group(0) @binding(4) var<storage, read> stats: array<f32>; // (4, C)
@group(0) @binding(5) var<storage, read> gamma: array<f32>; // (C)
// batch ROWS
// grid C
// uses feed
// case ROWS=1,SPATIAL=1,C=1,SPLITS=1,SCALED=1
// case ROWS=7,SPATIAL=6,C=5,SPLITS=4,SCALED=0
// case ROWS=16,SPATIAL=9,C=68,SPLITS=9,SCALED=1
// case ROWS=1031,SPATIAL=2,C=3,SPLITS=1031,SCALED=1
// case ROWS=2,SPATIAL=3,C=4101,SPLITS=2,SCALED=1
