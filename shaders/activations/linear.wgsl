fn activate(x: f32) -> f32 { return x; }
fn activate_grad(y: f32) -> f32 { return 1.0; }
