// forward: y = gamma · x̂ + beta. One thread a channel.
// uses index
@compute @workgroup_size(64)
fn batch_norm_grad_combine(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                           @builtin(num_workgroups) groups: vec3<u32>) {
    let c = thread_x(wid, groups, lid);
    if (c >= C) { return; }
    var dg = 0.0;
    var db = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        dg += partials[s * 2u * C + c];
        db += partials[(s * 2u + 1u) * C + c];
    }
    let n = f32(min(step.rows, ROWS) * SPATIAL);
    let inverse = stats[C + c];
    let k0 = inverse * select(1.0, gamma[c], SCALED == 1u);
    let k1 = -k0 * inverse * dg / n;
    dgamma[c] = dg;
    dbeta[c] = db;
    coefficients[c] = k0;
    coefficients[C + c] = k1;
    coefficients[2u * C + c] = -k0 * db / n - k1 * stats[c];
}
