// A GRU over all steps (Cho et al. 2014; reset after the product, Keras's order of gates): q = h · u + bias,
// s, r = gate(z + q), g = activate(z + r · q), y = s · h + (1 - s) · g, which is h of the next step.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where y holds the state behind every step, 1 where it holds the last one
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
override BIASES: u32; // 2, or 1 where one row of zeros stands for both
@group(0) @binding(0) var<storage, read_write> h: array<f32>; // (ROWS, TIME, UNITS) the state before each step, in order of time
@group(0) @binding(0) var<storage, read_write> h4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(1) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gates: array<f32>; // (ROWS, TIME, 4, UNITS) s, r, g, and the q of g
@group(0) @binding(2) var<storage, read_write> gates4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> z: array<f32>; // (ROWS, TIME, 3, UNITS) x · kernel
@group(0) @binding(3) var<storage, read> z4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> u: array<f32>; // (UNITS, 3, UNITS) the recurrent kernel
@group(0) @binding(4) var<storage, read> u4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> bias: array<f32>; // (BIASES, 3, UNITS) added to z, added to h · u
@group(0) @binding(5) var<storage, read> bias4: array<vec4<f32>>;
// grid ROWS
// flops 6 * ROWS * TIME * UNITS * UNITS
