// forward: y = activate(x).
// dx = dy * activate_grad(y)
override COUNT: u32;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> y: array<f32>; // (COUNT)
// grid COUNT
