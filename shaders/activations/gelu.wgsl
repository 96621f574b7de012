// x Φ(x), Φ the standard normal distribution. Where |x| is large Φ is computed as its tail, which does not cancel:
// Abramowitz and Stegun 26.2.17, within 7.5e-8.
fn tail(z: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.2316419 * z);
    let p = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return density(z) * p;
}
fn density(z: f32) -> f32 { return 0.3989422804 * exp(-0.5 * z * z); }
fn normal(x: f32) -> f32 {
    let beyond = tail(min(abs(x), 12.0));
    return select(beyond, 1.0 - beyond, x > 0.0);
}
fn activate(x: f32) -> f32 { return x * normal(x); }
fn activate_grad(x: f32) -> f32 { return normal(x) + x * density(clamp(x, -12.0, 12.0)); }
