// forward: y = x where x > 0, else alpha · x, where x = activate(z).
// dx = dy · (1 where x > 0, else alpha) * activate_grad(x)
override ITEMS: u32; // rows
override A: u32;     // length of alpha
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ITEMS, A)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ITEMS, A)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ITEMS, A) activated
@group(0) @binding(3) var<storage, read> alpha: array<f32>; // (A)
// batch ITEMS
// grid COUNT = ITEMS * A
// case ITEMS=1,A=1
// case ITEMS=7,A=5
// case ITEMS=130,A=68
// case ITEMS=17,A=4101
