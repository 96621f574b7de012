// bins[v] += how many elements of x are v
override N: u32;    // elements of x
override BINS: u32; // values that an element may have: 0 to BINS - 1
@group(0) @binding(0) var<storage, read_write> bins: array<atomic<u32>>; // (BINS) in place
@group(0) @binding(1) var<storage, read> x: array<u32>; // (N) below BINS
// grid N
// case N=1,BINS=1
// case N=100,BINS=3
// case N=4097,BINS=17
// case N=3000,BINS=1031
// case N=262144,BINS=256
