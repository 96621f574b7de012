// Batch normalization (Ioffe and Szegedy 2015), statistics and moving averages as in Keras 3.
// First of two passes over the valid rows, the first step.rows · SPATIAL: of split s, rows s·PER .. (s + 1)·PER,
// partials[s] = the mean of each channel and Σ (x - mean)². `batch_norm_combine` puts the splits together, in order.
override ROWS: u32;    // images a batch
override SPATIAL: u32; // pixels of an image; 1 for vectors
override C: u32;       // channels
override SPLITS: u32;
override PER: u32;     // rows a split, rounded up
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS, 2, C)
@group(0) @binding(0) var<storage, read_write> partials4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ROWS*SPATIAL, C)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
// batch ROWS
// splits ROWS * SPATIAL
// grid C, SPLITS
// uses feed
// case ROWS=1,SPATIAL=1,C=1,SPLITS=1,PER=1
// case ROWS=7,SPATIAL=6,C=5,SPLITS=4,PER=11
// case ROWS=16,SPATIAL=9,C=68,SPLITS=9,PER=16
// case ROWS=4101,SPATIAL=1,C=4,SPLITS=1,PER=4101
// case ROWS=2,SPATIAL=3,C=4104,SPLITS=2,PER=3
