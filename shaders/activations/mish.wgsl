// tanh(softplus(x)) = (e² + 2e) / (e² + 2e + 2), e = exp(x): no small number is lost beside 1. Beyond 15 it is 1.
fn squash(x: f32) -> f32 {
    let e = exp(min(x, 15.0));
    let n = e * (e + 2.0);
    return n / (n + 2.0);
}
fn activate(x: f32) -> f32 { return x * squash(x); }
fn activate_grad(x: f32) -> f32 {
    let t = squash(x);
    return t + x * (1.0 - t * t) / (1.0 + exp(-max(x, -80.0)));
}
