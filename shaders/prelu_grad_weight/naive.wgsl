// forward: y = x where x > 0, else alpha · x. One thread an element of alpha in a split.
// uses index
@compute @workgroup_size(64)
fn prelu_grad_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let a = id.x;
    let split = group_y(wid, groups);
    if (a >= A || split >= SPLITS) { return; }
    var sum = 0.0;
    for (var row = split * PER; row < min(split * PER + PER, ITEMS); row++) {
        sum += dy[row * A + a] * min(x[row * A + a], 0.0);
    }
    partials[split * 2u * A + a] = sum;
    partials[(split * 2u + 1u) * A + a] = 0.0;
}
