// forward: y = s · h + (1 - s) · g, step after step, with s, r = gate(z + q), g = activate(z + r · q), q = h · u + bias.
// dz and dq, from which the gradients of kernel, input, recurrent kernel and biases follow; time runs backwards.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where y holds the state behind every step, 1 where it holds the last one
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
@group(0) @binding(0) var<storage, read_write> dz: array<f32>; // (ROWS, TIME, 3, UNITS)
@group(0) @binding(0) var<storage, read_write> dz4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dq: array<f32>; // (ROWS, TIME, 3, UNITS)
@group(0) @binding(1) var<storage, read_write> dq4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dh: array<f32>; // (ROWS, UNITS) gradient of the state before the first step
@group(0) @binding(2) var<storage, read_write> dh4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dy: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(3) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gates: array<f32>; // (ROWS, TIME, 4, UNITS) s, r, g, and the q of g
@group(0) @binding(4) var<storage, read> gates4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> h: array<f32>; // (ROWS, TIME, UNITS) the state before each step
@group(0) @binding(5) var<storage, read> h4: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> u: array<f32>; // (UNITS, 3, UNITS) the recurrent kernel
@group(0) @binding(6) var<storage, read> u4: array<vec4<f32>>;
// grid ROWS
// flops 6 * ROWS * TIME * UNITS * UNITS
