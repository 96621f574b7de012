// forward: y = softmax(x), row by row.
// dx[r, c] = y[r, c] · (dy[r, c] - Σ_k dy[r, k] · y[r, k])
override ROWS: u32;
override CLASSES: u32;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ROWS, CLASSES)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ROWS, CLASSES)
@group(0) @binding(2) var<storage, read> y: array<f32>; // (ROWS, CLASSES) from 0 to 1
// batch ROWS
// grid ROWS
// case ROWS=1,CLASSES=1
// case ROWS=5,CLASSES=10
// case ROWS=33,CLASSES=7
// case ROWS=4101,CLASSES=10
// case ROWS=2,CLASSES=4101
