fn activate(x: f32) -> f32 { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }
fn activate_grad(y: f32) -> f32 { return 1.0 - exp(-y); }
