// log(1 + e) for e in [0, 1]; of a small e nothing is lost beside 1.
fn log_one_plus(e: f32) -> f32 {
    return select(log(1.0 + e), e * (1.0 - e * (0.5 - e * (1.0 / 3.0 - e * 0.25))), e < 0.01);
}
fn activate(x: f32) -> f32 { return max(x, 0.0) + log_one_plus(exp(-abs(x))); }
fn activate_grad(y: f32) -> f32 { return 1.0 - exp(-y); }
