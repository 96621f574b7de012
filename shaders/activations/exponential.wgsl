fn activate(x: f32) -> f32 { return exp(min(x, 88.0)); }
fn activate_grad(y: f32) -> f32 { return y; }
