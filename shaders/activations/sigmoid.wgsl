fn activate(x: f32) -> f32 { return 1.0 / (1.0 + exp(-max(x, -80.0))); }
fn activate_grad(y: f32) -> f32 { return y * (1.0 - y); }
