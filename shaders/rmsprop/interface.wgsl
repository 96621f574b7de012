// RMSprop (Hinton, Coursera 2012; centered: Graves 2013) as Keras computes it, over all parameters at once:
// g = gradient; s = mean_square + (1 - rho) · (g² - mean_square); a = mean + (1 - rho) · (g - mean), or 0 if not CENTERED;
// step = learning_rate · g / √(s - a² + EPSILON); b = (MOMENTUM + momentum_shift) · momentum + step, or the step alone;
// p = p - learning_rate · WEIGHT_DECAY · p - b. s - a² is no less than 0; rounding is kept from saying so.
override COUNT: u32;
override GAIN: f32; // 1 - rho, which loses digits if f32 subtracts
override MOMENTUM: f32;
override EPSILON: f32;
override WEIGHT_DECAY: f32;
override CENTERED: u32; // 0 or 1
override HEAVY: u32; // 0 or 1: whether there is a momentum
override MEANS: u32; // COUNT if CENTERED, else 1
override MOMENTA: u32; // COUNT if HEAVY, else 1
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> mean_square: array<f32>; // (COUNT) in place, positive
@group(0) @binding(2) var<storage, read_write> mean: array<f32>; // (MEANS) in place
@group(0) @binding(3) var<storage, read_write> momentum: array<f32>; // (MOMENTA) in place
@group(0) @binding(4) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(5) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,GAIN=0.1,MOMENTUM=0,EPSILON=0.0000001,WEIGHT_DECAY=0,CENTERED=0,HEAVY=0,MEANS=1,MOMENTA=1,CLIPPED=0
// case COUNT=77,GAIN=0.1,MOMENTUM=0.9,EPSILON=0.0000001,WEIGHT_DECAY=0.01,CENTERED=0,HEAVY=1,MEANS=1,MOMENTA=77,CLIPPED=1
// case COUNT=79,GAIN=0.01,MOMENTUM=0,EPSILON=0.001,WEIGHT_DECAY=0.01,CENTERED=1,HEAVY=0,MEANS=79,MOMENTA=1,CLIPPED=0
// case COUNT=70001,GAIN=0.1,MOMENTUM=0.9,EPSILON=0.001,WEIGHT_DECAY=0,CENTERED=1,HEAVY=1,MEANS=70001,MOMENTA=70001,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let g = gradient(i);
    let square = mean_square[i] + GAIN * (g * g - mean_square[i]);
    mean_square[i] = square;
    var variance = square;
    if (CENTERED == 1u) {
        let centre = mean[i] + GAIN * (g - mean[i]);
        mean[i] = centre;
        variance = max(square - centre * centre, 0.0);
    }
    var change = step.learning_rate * g * inverseSqrt(variance + EPSILON);
    if (HEAVY == 1u) {
        change += (MOMENTUM + step.momentum_shift) * momentum[i];
        momentum[i] = change;
    }
    let p = parameter[i];
    parameter[i] = p - step.learning_rate * WEIGHT_DECAY * p - change;
}
