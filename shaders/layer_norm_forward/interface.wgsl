// Layer normalization (Ba, Kiros and Hinton 2016) over the last axis, and its kin over groups of channels (Wu and He 2018).
// A group is C / GROUPS channels at all SPATIAL places of an item; n = SPATIAL · C / GROUPS numbers.
// y = activate(gamma · (x - mean) · inverse + beta); stats = mean and inverse of each group.
// NORM 0: inverse = 1 / √(variance + EPSILON).
// NORM 1: mean = 0, inverse = 1 / √(Σ x² / n + EPSILON), by the root mean square (Zhang and Sennrich 2019).
// NORM 2: mean = 0, inverse = 1 / √max(Σ x², EPSILON), to length 1; in place of the mean stats has 1, or 0 where Σ x² < EPSILON.
override ITEMS: u32;        // rows; with SPATIAL, images
override SPATIAL: u32 = 1u; // places of an item
override C: u32;            // length of a row: channels
override GROUPS: u32 = 1u;  // divides C
override NORM: u32 = 0u;
override EPSILON: f32;
override SCALED: u32; // 0: gamma is 1, whatever is bound
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (ITEMS, SPATIAL, C)
@group(0) @binding(1) var<storage, read_write> stats: array<f32>; // (ITEMS, GROUPS, 2)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (ITEMS, SPATIAL, C)
@group(0) @binding(3) var<storage, read> gamma: array<f32>; // (C)
@group(0) @binding(4) var<storage, read> beta: array<f32>; // (C)
// batch ITEMS
// grid ALL = ITEMS * GROUPS
// case ITEMS=1,C=1,EPSILON=0.001,SCALED=1
// case ITEMS=33,C=7,EPSILON=0.25,SCALED=0
// case ITEMS=70,C=128,EPSILON=0.001,SCALED=1
// case ITEMS=2,C=4101,EPSILON=0.001,SCALED=1
// case ITEMS=3,SPATIAL=5,C=6,GROUPS=2,EPSILON=0.001,SCALED=1
// case ITEMS=7,SPATIAL=11,C=13,GROUPS=13,EPSILON=0.001,SCALED=1
// case ITEMS=2,SPATIAL=2053,C=4,GROUPS=2,EPSILON=0.001,SCALED=0
// case ITEMS=1,SPATIAL=2,C=4102,GROUPS=2051,EPSILON=0.001,SCALED=1
// case ITEMS=1,C=1,NORM=1,EPSILON=0.000001,SCALED=1
// case ITEMS=67,C=31,NORM=1,EPSILON=0.000001,SCALED=1
// case ITEMS=3,C=4101,NORM=1,EPSILON=0.25,SCALED=1
// case ITEMS=5,SPATIAL=3,C=8,GROUPS=4,NORM=1,EPSILON=0.001,SCALED=0
// case ITEMS=1,C=1,NORM=2,EPSILON=1e-24,SCALED=0
// case ITEMS=67,C=3,NORM=2,EPSILON=0.7,SCALED=0
// case ITEMS=5,C=4101,NORM=2,EPSILON=1e-24,SCALED=0
// case ITEMS=4101,C=2,NORM=2,EPSILON=1e-24,SCALED=0
// case ITEMS=4101,C=3,EPSILON=0.001,SCALED=1
