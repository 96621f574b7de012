// mask[r] = 1 where a number of x[r] is not VALUE, else 0: the steps that count.
override ROWS: u32;
override COLUMNS: u32;
override VALUE: f32 = 0.0;
@group(0) @binding(0) var<storage, read_write> mask: array<f32>; // (ROWS)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ROWS, COLUMNS) copied
// batch ROWS
// grid ROWS
// case ROWS=1,COLUMNS=1
// case ROWS=77,COLUMNS=1
// case ROWS=130,COLUMNS=2,VALUE=0.5
// case ROWS=5,COLUMNS=4101
// case ROWS=4101,COLUMNS=1,VALUE=-1
