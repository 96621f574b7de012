fn activate(x: f32) -> f32 { return max(x, 0.0); }
fn activate_grad(y: f32) -> f32 { return select(0.0, 1.0, y > 0.0); }
