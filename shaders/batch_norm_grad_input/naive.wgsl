// forward: y = gamma · x̂ + beta. One thread an element.
// uses index
@compute @workgroup_size(64)
fn batch_norm_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * SPATIAL * C) { return; }
    let c = i % C;
    var d = 0.0;
    if (i / C < step.rows * SPATIAL) {
        d = coefficients[c] * dy[i] + coefficients[C + c] * x[i] + coefficients[2u * C + c];
    }
    dx[i] = d * activate_grad(x[i]);
}
