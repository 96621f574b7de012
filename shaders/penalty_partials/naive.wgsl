// One thread a split; neighbours read neighbours.
// uses index
@compute @workgroup_size(64)
fn penalty_partials(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let split = thread_x(wid, groups, lid);
    if (split >= SPLITS) { return; }
    var sum = 0.0;
    for (var i = split; i < COUNT; i += SPLITS) {
        sum += L1 * abs(w[i]) + L2 * w[i] * w[i];
    }
    partials[split] = sum;
}
