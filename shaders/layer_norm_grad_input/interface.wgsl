// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse over each row, where x = activate(z).
// dx = inverse · (g - (Σ g + x̂ · Σ g · x̂) / C) * activate_grad(x), g = gamma · dy
override ITEMS: u32; // rows
override C: u32;     // length of a row
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ITEMS, C)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ITEMS, C)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ITEMS, C) activated
@group(0) @binding(3) var<storage, read> stats: array<f32>; // (ITEMS, 2)
@group(0) @binding(4) var<storage, read> gamma: array<f32>; // (C)
// batch ITEMS
// grid ITEMS
// case ITEMS=1,C=1,SCALED=1
// case ITEMS=33,C=7,SCALED=0
// case ITEMS=70,C=128,SCALED=1
// case ITEMS=2,C=4101,SCALED=1
// case ITEMS=4101,C=3,SCALED=1
