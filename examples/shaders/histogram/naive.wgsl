// One thread an element: an atomic addition in memory for each.
// uses index
@compute @workgroup_size(64)
fn histogram(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N) { return; }
    atomicAdd(&bins[x[i]], 1u);
}
