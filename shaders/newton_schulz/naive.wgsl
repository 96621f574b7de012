// One thread an element.
// uses index
@compute @workgroup_size(64)
fn newton_schulz(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= SIZE * SIZE) { return; }
    let unit = select(0.0, A, i / SIZE == i % SIZE);
    p[i] = unit + B * g[i] + C * squared[i];
}
