// forward: y = state = s · before + (1 - s) · g, with s, r = gate(z + q), g = activate(z + r · q), q = h · u + bias.
// dz and dq of one step; time runs backwards.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where dy holds every step, 1 where it holds the last one
override FLIP: u32 = 0; // 1: the last step treated comes first in dy
override REVERSE: u32 = 0; // 1: from the end of time to its start
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
@group(0) @binding(0) var<storage, read_write> dz: array<f32>; // (ROWS, TIME, 3, UNITS) in place: that of this step
@group(0) @binding(0) var<storage, read_write> dz4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> all_dq: array<f32>; // (ROWS, TIME, 3, UNITS) in place: that of this step
@group(0) @binding(1) var<storage, read_write> all_dq4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dq: array<f32>; // (ROWS, 3, UNITS) the same, from which most of the gradient of the state before follows
@group(0) @binding(2) var<storage, read_write> dq4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> past: array<f32>; // (ROWS, UNITS) in place: the rest of dh, behind this step and then before it
@group(0) @binding(3) var<storage, read_write> past4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> dh: array<f32>; // (ROWS, UNITS) gradient of the state behind this step, by the product of the next one
@group(0) @binding(4) var<storage, read> dh4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> dy: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(5) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> gates: array<f32>; // (ROWS, 5, UNITS) by UNITS from 0 to 1; from 0 to 1; activated; any; any: s, r, g, the q of g, and the state before
@group(0) @binding(6) var<storage, read> gates4: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> step: array<u32>; // (1) below TIME: which step
// batch ROWS
// grid ITEMS = ROWS * UNITS
// uses recurrence, arriving, gate
// case ROWS=1,TIME=1,UNITS=1,OUT=1
// case ROWS=3,TIME=4,UNITS=5,OUT=4,GATE=1
// case ROWS=9,TIME=3,UNITS=4,OUT=1,REVERSE=1
// case ROWS=33,TIME=3,UNITS=20,OUT=3,REVERSE=1,FLIP=1,GATE=1
// case ROWS=5,TIME=2,UNITS=1028,OUT=2,FLIP=1
// case ROWS=128,TIME=4,UNITS=128,OUT=1
