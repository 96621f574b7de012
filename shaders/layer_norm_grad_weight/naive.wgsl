// forward: y = gamma · x̂ + beta. One thread a column of a split.
// uses index
@compute @workgroup_size(64)
fn layer_norm_grad_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                          @builtin(num_workgroups) groups: vec3<u32>) {
    let c = id.x;
    let split = group_y(wid, groups);
    if (c >= C || split >= SPLITS) { return; }
    var dgamma = 0.0;
    var dbeta = 0.0;
    for (var row = split * PER; row < min(split * PER + PER, ITEMS); row++) {
        let d = dy[row * C + c];
        dgamma += d * ((x[row * C + c] - stats[2u * row]) * stats[2u * row + 1u]);
        dbeta += d;
    }
    partials[split * 2u * C + c] = dgamma;
    partials[(split * 2u + 1u) * C + c] = dbeta;
}
