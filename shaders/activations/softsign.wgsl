fn activate(x: f32) -> f32 { return x / (1.0 + abs(x)); }
fn activate_grad(y: f32) -> f32 { return (1.0 - abs(y)) * (1.0 - abs(y)); }
