// The recurrent activation of gates, chosen by a number: 0 is `sigmoid`, 1 is `hard_sigmoid`.
fn gate(x: f32) -> f32 {
    if (GATE == 1u) { return clamp(x / 6.0 + 0.5, 0.0, 1.0); }
    return 1.0 / (1.0 + exp(-max(x, -80.0)));
}

// Its slope, from its output.
fn gate_grad(y: f32) -> f32 {
    if (GATE == 1u) { return select(0.0, 1.0 / 6.0, y > 0.0 && y < 1.0); }
    return y * (1.0 - y);
}
