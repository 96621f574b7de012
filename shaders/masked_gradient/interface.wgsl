// forward: y = state, which is that before the step where the step's mask is below a half.
// The gradient of the state behind a step is dh + held + that of the layer's output. Where the step counts, it is d, which
// goes on through the cell; else it is held for the step before, and d is 0.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where dy holds every step, 1 where it holds the last one
override FLIP: u32 = 0; // 1: the last step treated comes first in dy
override REVERSE: u32 = 0; // 1: from the end of time to its start
@group(0) @binding(0) var<storage, read_write> d: array<f32>; // (ROWS, UNITS)
@group(0) @binding(1) var<storage, read_write> held: array<f32>; // (ROWS, UNITS) in place
@group(0) @binding(2) var<storage, read> dh: array<f32>; // (ROWS, UNITS) gradient of the state behind this step, by the next one
@group(0) @binding(3) var<storage, read> dy: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(3) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> mask: array<f32>; // (ROWS, TIME) from 0 to 1
@group(0) @binding(5) var<storage, read> step: array<u32>; // (1) below TIME: which step
// batch ROWS
// grid ITEMS = ROWS * UNITS
// uses recurrence, arriving
// case ROWS=1,TIME=1,UNITS=1,OUT=1
// case ROWS=3,TIME=4,UNITS=5,OUT=4
// case ROWS=9,TIME=3,UNITS=4,OUT=1,REVERSE=1
// case ROWS=33,TIME=3,UNITS=20,OUT=3,REVERSE=1,FLIP=1
// case ROWS=5,TIME=2,UNITS=1028,OUT=2,FLIP=1
// case ROWS=9,TIME=1031,UNITS=2,OUT=1
