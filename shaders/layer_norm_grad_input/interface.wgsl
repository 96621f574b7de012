// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse over each group of n numbers, where x = activate(z).
// dx = inverse · (g - (Σ g + x̂ · Σ g · x̂) / n) * activate_grad(x), g = gamma · dy; without Σ g where NORM is 1, as there is
// no mean; inverse · (g - s · x̂ · Σ g · x̂) * activate_grad(x) where NORM is 2, s being what stats has in place of the mean.
override ITEMS: u32;        // rows; with SPATIAL, images
override SPATIAL: u32 = 1u; // places of an item
override C: u32;            // length of a row: channels
override GROUPS: u32 = 1u;  // divides C
override NORM: u32 = 0u;
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (ITEMS, SPATIAL, C)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (ITEMS, SPATIAL, C)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ITEMS, SPATIAL, C) activated
@group(0) @binding(3) var<storage, read> stats: array<f32>; // (ITEMS, GROUPS, 2)
@group(0) @binding(4) var<storage, read> gamma: array<f32>; // (C)
// batch ITEMS
// grid ALL = ITEMS * GROUPS
// case ITEMS=1,C=1,SCALED=1
// case ITEMS=33,C=7,SCALED=0
// case ITEMS=70,C=128,SCALED=1
// case ITEMS=2,C=4101,SCALED=1
// case ITEMS=3,SPATIAL=5,C=6,GROUPS=2,SCALED=1
// case ITEMS=7,SPATIAL=11,C=13,GROUPS=13,SCALED=1
// case ITEMS=2,SPATIAL=2053,C=4,GROUPS=2,SCALED=0
// case ITEMS=1,SPATIAL=2,C=4102,GROUPS=2051,SCALED=1
// case ITEMS=1,C=1,NORM=1,SCALED=1
// case ITEMS=67,C=31,NORM=1,SCALED=1
// case ITEMS=3,C=4101,NORM=1,SCALED=1
// case ITEMS=5,SPATIAL=3,C=8,GROUPS=4,NORM=1,SCALED=0
// case ITEMS=1,C=1,NORM=2,SCALED=0
// case ITEMS=67,C=3,NORM=2,SCALED=0
// case ITEMS=5,C=4101,NORM=2,SCALED=0
// case ITEMS=4101,C=2,NORM=2,SCALED=0
// case ITEMS=4101,C=3,SCALED=1
