// loss[r] = Σ_p losses[r, p] / POSITIONS, and hit[r] of hits likewise: the mean over the places of an image, in their order.
override ROWS: u32;
override POSITIONS: u32;
@group(0) @binding(0) var<storage, read_write> loss: array<f32>; // (ROWS)
@group(0) @binding(1) var<storage, read_write> hit: array<f32>; // (ROWS)
@group(0) @binding(2) var<storage, read> losses: array<f32>; // (ROWS, POSITIONS)
@group(0) @binding(3) var<storage, read> hits: array<f32>; // (ROWS, POSITIONS)
// batch ROWS
// grid ROWS
// case ROWS=1,POSITIONS=2
// case ROWS=33,POSITIONS=7
// case ROWS=5,POSITIONS=4101
// case ROWS=130,POSITIONS=64
