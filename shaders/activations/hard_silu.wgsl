fn activate(x: f32) -> f32 { return x * clamp(x / 6.0 + 0.5, 0.0, 1.0); }
fn activate_grad(x: f32) -> f32 { return select(x / 3.0 + 0.5, select(0.0, 1.0, x > 0.0), abs(x) >= 3.0); }
