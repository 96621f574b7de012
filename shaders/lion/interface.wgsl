// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2), over all parameters at once:
// g = gradient; c = m + (1 - beta_1) · (g - m); p = p - learning_rate · (WEIGHT_DECAY · p + sign(c)); m = m + (1 - beta_2) · (g - m)
override COUNT: u32;
override GAIN_1: f32; // 1 - beta_1, which loses digits if f32 subtracts
override GAIN_2: f32; // 1 - beta_2
override WEIGHT_DECAY: f32;
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> m: array<f32>; // (COUNT) in place
@group(0) @binding(2) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(3) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,GAIN_1=0.1,GAIN_2=0.01,WEIGHT_DECAY=0,CLIPPED=0
// case COUNT=77,GAIN_1=0.5,GAIN_2=0.1,WEIGHT_DECAY=0.02,CLIPPED=1
// case COUNT=70001,GAIN_1=0.1,GAIN_2=0.01,WEIGHT_DECAY=0.01,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let g = gradient(i);
    let before = m[i];
    let c = before + (GAIN_1 - step.momentum_shift) * (g - before);
    m[i] = before + GAIN_2 * (g - before);
    let p = parameter[i];
    parameter[i] = p - step.learning_rate * (WEIGHT_DECAY * p + sign(c));
}
