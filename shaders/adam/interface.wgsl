// Adam (Kingma and Ba 2015) as Keras computes it, with decoupled weight decay (Loshchilov and Hutter 2019), over all
// parameters at once: g = gradient; m = m + (1 - beta_1) · (g - m); v = v + (1 - beta_2) · (g² - v);
// p = p - learning_rate · (WEIGHT_DECAY · p + correction · m / (√v + EPSILON)), correction = √(1 - beta_2ᵗ) / (1 - beta_1ᵗ)
override COUNT: u32;
override GAIN_1: f32; // 1 - beta_1, which loses digits if f32 subtracts
override GAIN_2: f32; // 1 - beta_2
override EPSILON: f32;
override WEIGHT_DECAY: f32;
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> m: array<f32>; // (COUNT) in place
@group(0) @binding(2) var<storage, read_write> v: array<f32>; // (COUNT) in place, positive
@group(0) @binding(3) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(4) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.0000001,WEIGHT_DECAY=0,CLIPPED=0
// case COUNT=77,GAIN_1=0.5,GAIN_2=0.1,EPSILON=0.0000001,WEIGHT_DECAY=0.02,CLIPPED=1
// case COUNT=70001,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.001,WEIGHT_DECAY=0.01,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let g = gradient(i);
    let next_m = m[i] + (GAIN_1 - step.momentum_shift) * (g - m[i]);
    let next_v = v[i] + GAIN_2 * (g * g - v[i]);
    m[i] = next_m;
    v[i] = next_v;
    let p = parameter[i];
    let direction = WEIGHT_DECAY * p + step.correction * next_m / (sqrt(next_v) + EPSILON);
    parameter[i] = p - step.learning_rate * direction;
}
