// starts[k] = the first place among sorted keys of one that is k or larger, by halving; COUNT if there is none.
override COUNT: u32;
override WORDS: u32;
@group(0) @binding(0) var<storage, read_write> starts: array<u32>; // (WORDS + 1)
@group(0) @binding(1) var<storage, read> keys: array<f32>; // (COUNT)
// batch COUNT
// grid ITEMS = WORDS + 1
// uses token
// case COUNT=1,WORDS=1
// case COUNT=77,WORDS=4
// case COUNT=33,WORDS=4101
