// One thread an element.
// uses index
@compute @workgroup_size(64)
fn prelu_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ITEMS * A) { return; }
    y[i] = x[i] * select(alpha[i % A], 1.0, x[i] > 0.0);
}
