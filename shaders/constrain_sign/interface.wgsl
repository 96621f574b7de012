// w = max(w, 0): Keras's `NonNeg`.
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> w: array<f32>; // (COUNT) in place
// grid COUNT
// case COUNT=1
// case COUNT=77
// case COUNT=70001
