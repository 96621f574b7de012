// y = the state behind every step of a recurrent layer: the one before the next step, and the last one.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, TIME, UNITS)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> h: array<f32>; // (ROWS, TIME, UNITS) copied: the state before each step, in order of time
@group(0) @binding(1) var<storage, read> h4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> last: array<f32>; // (ROWS, UNITS) copied: the state behind the last step
@group(0) @binding(2) var<storage, read> last4: array<vec4<f32>>;
// batch ROWS
// grid ITEMS = ROWS * TIME * UNITS
// uses recurrence
// case ROWS=1,TIME=1,UNITS=1
// case ROWS=3,TIME=4,UNITS=5,REVERSE=1
// case ROWS=9,TIME=3,UNITS=4,FLIP=1
// case ROWS=33,TIME=3,UNITS=20,REVERSE=1,FLIP=1
// case ROWS=5,TIME=2,UNITS=1028
// case ROWS=128,TIME=4,UNITS=128
// case ROWS=2,TIME=1031,UNITS=4
