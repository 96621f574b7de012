// forward: y = gamma · x̂ + beta. One thread a column of a split, which goes through the items that the split touches.
// uses index
@compute @workgroup_size(64)
fn layer_norm_grad_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                          @builtin(num_workgroups) groups: vec3<u32>) {
    let c = id.x;
    let split = group_y(wid, groups);
    if (c >= C || split >= SPLITS) { return; }
    let group = c / (C / GROUPS);
    let last = min(split * PER + PER, ITEMS);
    var dgamma = 0.0;
    var dbeta = 0.0;
    var row = split * PER;
    for (var item = row / SPATIAL; row < last; item++) {
        let at = 2u * (item * GROUPS + group);
        let mean = select(0.0, stats[at], NORM == 0u);
        let inverse = stats[at + 1u];
        let end = min(item * SPATIAL + SPATIAL, last);
        for (; row < end; row++) {
            let d = dy[row * C + c];
            dgamma += d * ((x[row * C + c] - mean) * inverse);
            dbeta += d;
        }
    }
    partials[split * 2u * C + c] = dgamma;
    partials[(split * 2u + 1u) * C + c] = dbeta;
}
