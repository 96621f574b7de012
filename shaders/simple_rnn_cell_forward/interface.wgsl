// One step of a simple recurrent layer: state = activate(z + q), where q = h · u of the state before.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override REVERSE: u32 = 0; // 1: from the end of time to its start
@group(0) @binding(0) var<storage, read_write> h: array<f32>; // (ROWS, TIME, UNITS) in place: the state before each step, in order of time; this one goes where the next step has it
@group(0) @binding(0) var<storage, read_write> h4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>; // (ROWS, UNITS) behind this step
@group(0) @binding(1) var<storage, read_write> state4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> q: array<f32>; // (ROWS, UNITS) h · recurrent kernel
@group(0) @binding(2) var<storage, read> q4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> z: array<f32>; // (ROWS, TIME, UNITS) x · kernel + bias
@group(0) @binding(3) var<storage, read> z4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> step: array<u32>; // (1) below TIME: which step
// batch ROWS
// grid ITEMS = ROWS * UNITS
// uses recurrence
// case ROWS=1,TIME=1,UNITS=1
// case ROWS=3,TIME=4,UNITS=5
// case ROWS=9,TIME=3,UNITS=4,REVERSE=1
// case ROWS=33,TIME=3,UNITS=20,REVERSE=1
// case ROWS=5,TIME=2,UNITS=1028
// case ROWS=128,TIME=4,UNITS=128
