// Activation of a vec4 and its gradient, component by component.
fn activate4(x: vec4<f32>) -> vec4<f32> { return vec4(activate(x.x), activate(x.y), activate(x.z), activate(x.w)); }

fn activate_grad4(y: vec4<f32>) -> vec4<f32> {
    return vec4(activate_grad(y.x), activate_grad(y.y), activate_grad(y.z), activate_grad(y.w));
}
