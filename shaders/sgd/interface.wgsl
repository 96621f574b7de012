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
