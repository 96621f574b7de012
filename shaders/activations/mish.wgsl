fn squash(x: f32) -> f32 { return tanh(min(max(x, 0.0) + log(1.0 + exp(-abs(x))), 15.0)); }
fn activate(x: f32) -> f32 { return x * squash(x); }
fn activate_grad(x: f32) -> f32 {
    let t = squash(x);
    return t + x * (1.0 - t * t) / (1.0 + exp(-max(x, -80.0)));
}
