// forward: y = gamma · x̂ + beta, where x = activate(z) came from the layer before.
// dx = (k0 · dy + k1 · x + k2) * activate_grad(x), and 0 beyond the valid rows, the first step.rows · SPATIAL.
override ROWS: u32;
override SPATIAL: u32;
override C: u32;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ROWS*SPATIAL, C)
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ROWS*SPATIAL, C)
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ROWS*SPATIAL, C) activated
@group(0) @binding(2) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> coefficients: array<f32>; // (3, C)
@group(0) @binding(3) var<storage, read> coefficients4: array<vec4<f32>>;
// batch ROWS
// grid COUNT = ROWS * SPATIAL * C
// uses feed
// case ROWS=1,SPATIAL=1,C=1
// case ROWS=7,SPATIAL=6,C=5
// case ROWS=16,SPATIAL=9,C=68
// case ROWS=2,SPATIAL=3,C=4104
