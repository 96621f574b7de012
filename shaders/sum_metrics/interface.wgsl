// results[slot] = (Σ loss, Σ hit) over the rows of the batch, in their order; other slots stay.
override ROWS: u32;
override SLOTS: u32; // steps whose results are kept before the host reads them
@group(0) @binding(0) var<storage, read_write> results: array<f32>; // (SLOTS, 2) in place
@group(0) @binding(1) var<storage, read> loss: array<f32>; // (ROWS)
@group(0) @binding(2) var<storage, read> hit: array<f32>; // (ROWS)
// batch ROWS
// feed slot below SLOTS
// grid ONE = 1
// uses feed
// case ROWS=1,SLOTS=1
// case ROWS=33,SLOTS=5
// case ROWS=4101,SLOTS=64
