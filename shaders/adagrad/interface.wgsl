// Adagrad (Duchi, Hazan and Singer 2011) as Keras computes it, with decoupled weight decay, over all parameters at once:
// g = gradient; a = accumulator + g²; p = p - learning_rate · (WEIGHT_DECAY · p + g / √(a + EPSILON))
override COUNT: u32;
override EPSILON: f32;
override WEIGHT_DECAY: f32;
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> accumulator: array<f32>; // (COUNT) in place, positive
@group(0) @binding(2) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(3) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,EPSILON=0.0000001,WEIGHT_DECAY=0,CLIPPED=0
// case COUNT=77,EPSILON=0.001,WEIGHT_DECAY=0.02,CLIPPED=1
// case COUNT=70001,EPSILON=0.0000001,WEIGHT_DECAY=0.01,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let g = gradient(i);
    let sum = accumulator[i] + g * g;
    accumulator[i] = sum;
    let p = parameter[i];
    parameter[i] = p - step.learning_rate * (WEIGHT_DECAY * p + g * inverseSqrt(sum + EPSILON));
}
