fn activate(x: f32) -> f32 { return clamp(x, 0.0, 6.0); }
fn activate_grad(y: f32) -> f32 { return select(0.0, 1.0, y > 0.0 && y < 6.0); }
