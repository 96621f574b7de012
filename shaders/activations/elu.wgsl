fn activate(x: f32) -> f32 { return select(exp(min(x, 0.0)) - 1.0, x, x > 0.0); }
fn activate_grad(y: f32) -> f32 { return select(y + 1.0, 1.0, y > 0.0); }
