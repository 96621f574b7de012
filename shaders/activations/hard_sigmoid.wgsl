fn activate(x: f32) -> f32 { return clamp(x / 6.0 + 0.5, 0.0, 1.0); }
fn activate_grad(y: f32) -> f32 { return select(0.0, 1.0 / 6.0, y > 0.0 && y < 1.0); }
