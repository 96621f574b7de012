fn activate(x: f32) -> f32 { return select(0.2 * x, x, x > 0.0); }
fn activate_grad(y: f32) -> f32 { return select(0.2, 1.0, y > 0.0); }
