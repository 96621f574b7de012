// One thread an element.
// uses index
@compute @workgroup_size(64)
fn batch_norm_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ITEMS * C) { return; }
    let c = i % C;
    y[i] = activate(stats[2u * C + c] * x[i] + stats[3u * C + c]);
}
