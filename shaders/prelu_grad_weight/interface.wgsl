// forward: y = x where x > 0, else alpha · x.
// dalpha = Σ dy · x where x <= 0, over the rows. First of two passes: of split s, rows s·PER .. (s + 1)·PER. The second row
// of each split is zero, for `sum_partials`, which takes a bias there.
override ITEMS: u32; // rows
override A: u32;     // length of alpha
override SPLITS: u32;
override PER: u32;   // rows a split, rounded up
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS, 2, A)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (ITEMS, A)
@group(0) @binding(2) var<storage, read> dy: array<f32>; // (ITEMS, A)
// batch ITEMS
// splits ITEMS
// grid A, SPLITS
// case ITEMS=1,A=1,SPLITS=1,PER=1
// case ITEMS=42,A=5,SPLITS=4,PER=11
// case ITEMS=144,A=68,SPLITS=9,PER=16
// case ITEMS=4101,A=3,SPLITS=1,PER=4101
// case ITEMS=6,A=4101,SPLITS=2,PER=3
