// A simple recurrent layer over all steps: y = activate(z + h · u), which is h of the next step.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where y holds the state behind every step, 1 where it holds the last one
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
@group(0) @binding(0) var<storage, read_write> h: array<f32>; // (ROWS, TIME, UNITS) the state before each step, in order of time
@group(0) @binding(0) var<storage, read_write> h4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(1) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> z: array<f32>; // (ROWS, TIME, UNITS) x · kernel + bias
@group(0) @binding(2) var<storage, read> z4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> u: array<f32>; // (UNITS, UNITS) the recurrent kernel
@group(0) @binding(3) var<storage, read> u4: array<vec4<f32>>;
// grid ROWS
// flops 2 * ROWS * TIME * UNITS * UNITS
