// An LSTM over all steps (Hochreiter and Schmidhuber 1997; Gers et al. 2000; Keras's order of gates):
// i, f, o = gate(z + h · u), g = activate(z + h · u), c = f · c + i · g, y = o · activate(c), which is h of the next step.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where y holds the state behind every step, 1 where it holds the last one
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
@group(0) @binding(0) var<storage, read_write> h: array<f32>; // (ROWS, TIME, UNITS) the state before each step, in order of time
@group(0) @binding(0) var<storage, read_write> h4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(1) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gates: array<f32>; // (ROWS, TIME, 4, UNITS) i, f, g, o
@group(0) @binding(2) var<storage, read_write> gates4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>; // (ROWS, TIME, UNITS) the cell behind each step
@group(0) @binding(3) var<storage, read_write> c4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> z: array<f32>; // (ROWS, TIME, 4, UNITS) x · kernel + bias
@group(0) @binding(4) var<storage, read> z4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> u: array<f32>; // (UNITS, 4, UNITS) the recurrent kernel
@group(0) @binding(5) var<storage, read> u4: array<vec4<f32>>;
// grid ROWS
// flops 8 * ROWS * TIME * UNITS * UNITS
