// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse over each group, mean = 0 unless NORM is 0.
// dgamma = Σ dy · x̂, dbeta = Σ dy over the rows. First of two passes: of split s, rows s·PER .. (s + 1)·PER.
override ITEMS: u32;        // rows, of all items
override SPATIAL: u32 = 1u; // rows of an item
override C: u32;
override GROUPS: u32 = 1u;  // divides C
override NORM: u32 = 0u;
override SPLITS: u32;
override PER: u32;   // rows a split, rounded up
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS, 2, C)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ITEMS, C)
@group(0) @binding(2) var<storage, read> dy: array<f32>; // (ITEMS, C)
@group(0) @binding(3) var<storage, read> stats: array<f32>; // (ITEMS / SPATIAL, GROUPS, 2)
// batch ITEMS
// splits ITEMS
// grid C, SPLITS
// case ITEMS=1,C=1,SPLITS=1,PER=1
// case ITEMS=42,C=5,SPLITS=4,PER=11
// case ITEMS=144,C=68,SPLITS=9,PER=16
// case ITEMS=4101,C=3,SPLITS=1,PER=4101
// case ITEMS=35,SPATIAL=5,C=6,GROUPS=2,SPLITS=4,PER=9
// case ITEMS=77,SPATIAL=11,C=13,GROUPS=13,SPLITS=3,PER=26
// case ITEMS=4106,SPATIAL=2053,C=4,GROUPS=2,SPLITS=2,PER=2053
// case ITEMS=10,SPATIAL=2,C=4102,GROUPS=2051,SPLITS=1,PER=10
// case ITEMS=67,C=31,NORM=1,SPLITS=3,PER=23
// case ITEMS=37,SPATIAL=3,C=8,GROUPS=4,NORM=1,SPLITS=2,PER=19
// case ITEMS=6,C=4101,SPLITS=2,PER=3
