fn activate(x: f32) -> f32 { return exp(x); }
fn activate_grad(y: f32) -> f32 { return y; }
