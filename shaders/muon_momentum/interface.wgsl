// Muon (Jordan 2024) as Keras computes it, first pass over all parameters at once: where `factor` is not 0 and the
// parameter so part of a matrix, g = gradient; m = MOMENTUM · m + g; grad = NESTEROV ? g + MOMENTUM · m : m
override COUNT: u32;
override MOMENTUM: f32;
override NESTEROV: u32; // 0 or 1
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> grad: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> m: array<f32>; // (COUNT) in place
@group(0) @binding(2) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
@group(0) @binding(3) var<storage, read> factor: array<f32>; // (COUNT) positive
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,MOMENTUM=0.95,NESTEROV=1,CLIPPED=0
// case COUNT=77,MOMENTUM=0.95,NESTEROV=1,CLIPPED=1
// case COUNT=70001,MOMENTUM=0.5,NESTEROV=0,CLIPPED=0
