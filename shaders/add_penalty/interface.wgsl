// The penalty of a tensor, second pass: results[slot].loss += rows · Σ partials; the mean over the images then has it once.
override SPLITS: u32;
override SLOTS: u32; // steps whose results are kept before the host reads them
@group(0) @binding(0) var<storage, read_write> results: array<f32>; // (SLOTS, 2) in place
@group(0) @binding(1) var<storage, read> partials: array<f32>; // (SPLITS) positive
// feed slot below SLOTS
// grid ONE = 1
// uses feed
// case SPLITS=1,SLOTS=1
// case SPLITS=5,SLOTS=3
// case SPLITS=1024,SLOTS=64
