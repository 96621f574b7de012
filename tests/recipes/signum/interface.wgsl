// signSGD with momentum (Bernstein et al. 2018), over all parameters at once:
// g = gradient; m = m + (1 - beta) · (g - m); p = p - learning_rate · (WEIGHT_DECAY · p + sign(m))
override COUNT: u32;
override GAIN: f32; // 1 - beta, which loses digits if f32 subtracts
override WEIGHT_DECAY: f32;
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> m: array<f32>; // (COUNT) in place
@group(0) @binding(2) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(3) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,GAIN=0.1,WEIGHT_DECAY=0,CLIPPED=0
// case COUNT=77,GAIN=0.5,WEIGHT_DECAY=0.02,CLIPPED=1
// case COUNT=70001,GAIN=0.1,WEIGHT_DECAY=0.01,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let before = m[i];
    let mean = before + (GAIN - step.momentum_shift) * (gradient(i) - before);
    m[i] = mean;
    let p = parameter[i];
    parameter[i] = p - step.learning_rate * (WEIGHT_DECAY * p + sign(mean));
}
