// y[r, c] = exp(x[r, c] - max_c x[r, c]) / Σ_c exp(x[r, c] - max_c x[r, c])
override ROWS: u32;
override CLASSES: u32;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, CLASSES)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ROWS, CLASSES)
// batch ROWS
// grid ROWS
// case ROWS=1,CLASSES=1
// case ROWS=5,CLASSES=10
// case ROWS=33,CLASSES=7
// case ROWS=4101,CLASSES=10
// case ROWS=2,CLASSES=4101
