// y[r, c] = w[r] · x[r, c] where w[r] is at least a half, else ELSE: a mask on rows, or the weights of those that count.
override ROWS: u32;
override COLUMNS: u32;
override ELSE: f32 = 0.0;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ROWS, COLUMNS)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ROWS, COLUMNS)
@group(0) @binding(2) var<storage, read> w: array<f32>; // (ROWS)
// batch ROWS
// grid ITEMS = ROWS * COLUMNS
// case ROWS=1,COLUMNS=1
// case ROWS=77,COLUMNS=5
// case ROWS=33,COLUMNS=7,ELSE=-1000
// case ROWS=5,COLUMNS=4101
// case ROWS=4101,COLUMNS=3
// case ROWS=300,COLUMNS=3
