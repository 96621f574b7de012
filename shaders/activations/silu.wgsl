fn activate(x: f32) -> f32 { return x / (1.0 + exp(-max(x, -80.0))); }
fn activate_grad(x: f32) -> f32 {
    let s = 1.0 / (1.0 + exp(-max(x, -80.0)));
    return s * (1.0 + x * (1.0 - s));
}
