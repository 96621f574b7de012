// The recurrent activation of gates, chosen by a number: 0 is `sigmoid`, 1 is `hard_sigmoid`.
fn gate(x: f32) -> f32 { return gate4(vec4(x)).x; }

fn gate4(x: vec4<f32>) -> vec4<f32> {
    if (GATE == 1u) { return clamp(x / 6.0 + 0.5, vec4(0.0), vec4(1.0)); }
    return 1.0 / (1.0 + exp(-max(x, vec4(-80.0))));
}

// Its slope, from its output.
fn gate_grad(y: f32) -> f32 { return gate_grad4(vec4(y)).x; }

fn gate_grad4(y: vec4<f32>) -> vec4<f32> {
    if (GATE == 1u) { return select(vec4(0.0), vec4(1.0 / 6.0), (y > vec4(0.0)) & (y < vec4(1.0))); }
    return y * (1.0 - y);
}
