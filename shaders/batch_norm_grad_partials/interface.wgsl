// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse.
// dgamma = Σ dy · x̂, dbeta = Σ dy. First of two passes: of split s, rows s·PER .. (s + 1)·PER.
override ITEMS: u32; // rows
override C: u32;
override SPLITS: u32;
override PER: u32;   // rows a split, rounded up
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS, 2, C)
@group(0) @binding(0) var<storage, read_write> partials4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ITEMS, C)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<f32>; // (ITEMS, C)
@group(0) @binding(2) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> stats: array<f32>; // (4, C)
@group(0) @binding(3) var<storage, read> stats4: array<vec4<f32>>;
// batch ITEMS
// splits ITEMS
// grid C, SPLITS
// case ITEMS=1,C=1,SPLITS=1,PER=1
// case ITEMS=42,C=5,SPLITS=4,PER=11
// case ITEMS=144,C=68,SPLITS=9,PER=16
// case ITEMS=4101,C=4,SPLITS=1,PER=4101
// case ITEMS=6,C=4104,SPLITS=2,PER=3
