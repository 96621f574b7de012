// forward: y = o · activate(c), c = f · c + i · g, step after step, with i, f, g, o from z + h · u.
// dz, from which the gradients of kernel, recurrent kernel and input follow; time runs backwards.
override ROWS: u32; // sequences: the batch
override TIME: u32; // steps of a sequence
override UNITS: u32; // numbers of a state
override OUT: u32; // TIME where y holds the state behind every step, 1 where it holds the last one
override REVERSE: u32 = 0; // 1: from the end of time to its start
override FLIP: u32 = 0; // 1: the last step treated comes first in y
override GATE: u32 = 0; // recurrent activation: 0 sigmoid, 1 hard_sigmoid
@group(0) @binding(0) var<storage, read_write> dz: array<f32>; // (ROWS, TIME, 4, UNITS)
@group(0) @binding(0) var<storage, read_write> dz4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dh: array<f32>; // (ROWS, UNITS) gradient of the state before the first step
@group(0) @binding(1) var<storage, read_write> dh4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dc: array<f32>; // (ROWS, UNITS) gradient of the cell before the first step
@group(0) @binding(2) var<storage, read_write> dc4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dy: array<f32>; // (ROWS, OUT, UNITS)
@group(0) @binding(3) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gates: array<f32>; // (ROWS, TIME, 4, UNITS) i, f, g, o
@group(0) @binding(4) var<storage, read> gates4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> c: array<f32>; // (ROWS, TIME, UNITS) the cell behind each step
@group(0) @binding(5) var<storage, read> c4: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> u: array<f32>; // (UNITS, 4, UNITS) the recurrent kernel
@group(0) @binding(6) var<storage, read> u4: array<vec4<f32>>;
// grid ROWS
// flops 8 * ROWS * TIME * UNITS * UNITS
