// w[r, c] = all / some where mask[r, c] is at least a half, else 0: a mean of w · x is one over the steps that count. Of a
// row (a sequence), all are its COLUMNS and some those that count. With TOGETHER, both are numbers of all rows of the
// batch, and rows beyond it have no weight.
override ROWS: u32;
override COLUMNS: u32;
override TOGETHER: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> w: array<f32>; // (ROWS, COLUMNS)
@group(0) @binding(1) var<storage, read> mask: array<f32>; // (ROWS, COLUMNS) from 0 to 1
// batch ROWS
// grid ROWS
// uses feed
// case ROWS=1,COLUMNS=1
// case ROWS=33,COLUMNS=7
// case ROWS=9,COLUMNS=5,TOGETHER=1
// case ROWS=130,COLUMNS=11,TOGETHER=1
// case ROWS=2,COLUMNS=4101
// case ROWS=4101,COLUMNS=2,TOGETHER=0
