// One step of an LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000; Keras's order of gates), where q = h · u of
// the state before: i, f, o = gate(z + q), g = activate(z + q), c = f · before + i · g, state = o · activate(c).
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override REVERSE: u32 = 0; // 1: from the end of time to its start
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
@group(0) @binding(0) var<storage, read_write> h: array<f32>; // (ROWS, TIME, UNITS) in place: the state before each step, in order of time; this one goes where the next step has it
@group(0) @binding(0) var<storage, read_write> h4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>; // (ROWS, UNITS) behind this step
@group(0) @binding(1) var<storage, read_write> state4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gates: array<f32>; // (ROWS, 4, UNITS) i, f, g, o
@group(0) @binding(2) var<storage, read_write> gates4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>; // (ROWS, UNITS) the cell behind this step
@group(0) @binding(3) var<storage, read_write> c4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> q: array<f32>; // (ROWS, 4, UNITS) argument: h · recurrent kernel
@group(0) @binding(4) var<storage, read> q4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> z: array<f32>; // (ROWS, TIME, 4, UNITS) argument: x · kernel + bias
@group(0) @binding(5) var<storage, read> z4: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> before: array<f32>; // (ROWS, UNITS) argument: the cell before this step
@group(0) @binding(6) var<storage, read> before4: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> step: array<u32>; // (1) below TIME: which step
// batch ROWS
// grid ITEMS = ROWS * UNITS
// uses recurrence, gate
// case ROWS=1,TIME=1,UNITS=1
// case ROWS=3,TIME=4,UNITS=5,GATE=1
// case ROWS=9,TIME=3,UNITS=4,REVERSE=1
// case ROWS=33,TIME=3,UNITS=20,REVERSE=1,GATE=1
// case ROWS=5,TIME=2,UNITS=1028
// case ROWS=128,TIME=4,UNITS=128
