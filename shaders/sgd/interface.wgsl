// Stochastic gradient descent as PyTorch defines it (torch.optim.SGD), over all parameters at once:
// μ = MOMENTUM + momentum_shift; g = gradient + WEIGHT_DECAY · p; v = μ · v + g;
// p = p - learning_rate · (NESTEROV ? g + μ · v : v)
override COUNT: u32;
override MOMENTUM: f32;
override WEIGHT_DECAY: f32;
override NESTEROV: u32; // 0 or 1
override CLIPPED: u32; // 0: `scale` is not read
@group(0) @binding(0) var<storage, read_write> parameter: array<f32>; // (COUNT) in place
@group(0) @binding(1) var<storage, read_write> velocity: array<f32>; // (COUNT) in place
@group(0) @binding(2) var<storage, read> grad: array<f32>; // (COUNT)
@group(0) @binding(3) var<storage, read> scale: array<f32>; // (1) from 0 to 1: of `clip_scale`
// batch COUNT
// grid COUNT
// uses feed, gradient
// case COUNT=1,MOMENTUM=0,WEIGHT_DECAY=0,NESTEROV=0,CLIPPED=0
// case COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0.02,NESTEROV=0,CLIPPED=1
// case COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0.02,NESTEROV=1,CLIPPED=1
// case COUNT=70001,MOMENTUM=0.9,WEIGHT_DECAY=0.01,NESTEROV=1,CLIPPED=0

// Updates parameter i.
fn update(i: u32) {
    let momentum = MOMENTUM + step.momentum_shift;
    let p = parameter[i];
    let g = gradient(i) + WEIGHT_DECAY * p;
    let v = momentum * velocity[i] + g;
    velocity[i] = v;
    parameter[i] = p - step.learning_rate * select(v, g + momentum * v, NESTEROV == 1u);
}
