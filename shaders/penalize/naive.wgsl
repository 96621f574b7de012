// One thread an element.
// uses index
@compute @workgroup_size(64)
fn penalize(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    grad[i] = grad[i] + L1 * sign(w[i]) + 2.0 * L2 * w[i];
}
