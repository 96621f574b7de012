// Drivers make tanh of exponentials, which lose a small x beside 1: there, its series.
fn activate(x: f32) -> f32 {
    let q = x * x;
    return select(tanh(clamp(x, -15.0, 15.0)), x * (1.0 - q * (1.0 / 3.0 - q * (2.0 / 15.0 - q * 17.0 / 315.0))), q < 0.01);
}
fn activate_grad(y: f32) -> f32 { return 1.0 - y * y; }
