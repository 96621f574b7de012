// forward: dy's layer put x at column FROM of a wider row.
// dx = dy[:, FROM .. FROM + COUNT] * activate_grad(x)
override ROWS: u32;
override WIDTH: u32; // columns of dy
override FROM: u32;
override COUNT: u32; // columns of dx
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ROWS, COUNT)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ROWS, WIDTH)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ROWS, COUNT) activated
// batch ROWS
// grid ITEMS = ROWS * COUNT
// case ROWS=1,WIDTH=1,FROM=0,COUNT=1
// case ROWS=5,WIDTH=10,FROM=3,COUNT=7
// case ROWS=77,WIDTH=24,FROM=16,COUNT=8
// case ROWS=2,WIDTH=4105,FROM=3,COUNT=4101
// case ROWS=4101,WIDTH=3,FROM=1,COUNT=2
