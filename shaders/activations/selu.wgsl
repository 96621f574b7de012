fn activate(x: f32) -> f32 { return 1.050701 * select(1.6732632 * (exp(min(x, 0.0)) - 1.0), x, x > 0.0); }
fn activate_grad(y: f32) -> f32 { return select(y + 1.7580993, 1.050701, y > 0.0); }
