fn activate(x: f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
fn activate_grad(y: f32) -> f32 { return 1.0 - y * y; }
