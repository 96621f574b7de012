// A step of an LSTM that does not count leaves the cell as it was: c becomes the cell before where the step's mask is below
// a half.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a cell
override REVERSE: u32 = 0; // 1: from the end of time to its start
@group(0) @binding(0) var<storage, read_write> c: array<f32>; // (ROWS, UNITS) in place: the cell behind this step
@group(0) @binding(1) var<storage, read> before: array<f32>; // (ROWS, UNITS) copied: the cell before this step
@group(0) @binding(2) var<storage, read> mask: array<f32>; // (ROWS, TIME) from 0 to 1
@group(0) @binding(3) var<storage, read> step: array<u32>; // (1) below TIME: which step
// batch ROWS
// grid ITEMS = ROWS * UNITS
// uses recurrence
// case ROWS=1,TIME=1,UNITS=1
// case ROWS=3,TIME=4,UNITS=5
// case ROWS=33,TIME=3,UNITS=20,REVERSE=1
// case ROWS=5,TIME=2,UNITS=1028
// case ROWS=9,TIME=1031,UNITS=2
