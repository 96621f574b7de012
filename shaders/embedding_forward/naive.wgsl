// One thread an element.
// uses index
@compute @workgroup_size(64)
fn embedding_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT * UNITS) { return; }
    y[i] = w[token(x[i / UNITS], WORDS - 1u) * UNITS + i % UNITS];
}
