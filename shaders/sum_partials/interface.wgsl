// dw, db = the sum of the splits, in their order. Second pass of `conv2d_grad_weight`.
override SPLITS: u32;
override TAPS: u32; // rows of dw
override CO: u32;   // columns
@group(0) @binding(0) var<storage, read_write> dw: array<f32>; // (TAPS, CO)
@group(0) @binding(0) var<storage, read_write> dw4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> db: array<f32>; // (CO)
@group(0) @binding(1) var<storage, read_write> db4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> partials: array<f32>; // (SPLITS, TAPS + 1, CO)
@group(0) @binding(2) var<storage, read> partials4: array<vec4<f32>>;
// grid ITEMS = TAPS * CO + CO
// case SPLITS=1,TAPS=1,CO=1
// case SPLITS=3,TAPS=9,CO=5
// case SPLITS=16,TAPS=36,CO=8
// case SPLITS=1031,TAPS=3,CO=5
// case SPLITS=2,TAPS=4101,CO=3
// case SPLITS=2,TAPS=3,CO=4101
