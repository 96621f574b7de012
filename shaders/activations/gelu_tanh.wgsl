fn bend(x: f32) -> f32 { return tanh(clamp(0.7978845608 * (x + 0.044715 * x * x * x), -15.0, 15.0)); }
fn activate(x: f32) -> f32 { return 0.5 * x * (1.0 + bend(x)); }
fn activate_grad(x: f32) -> f32 {
    // Beyond 12 the slope is 0 or 1, and x² must not overflow.
    let z = clamp(x, -12.0, 12.0);
    let t = bend(z);
    return 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * 0.7978845608 * (1.0 + 0.134145 * z * z);
}
