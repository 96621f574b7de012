// One thread a split; neighbours read neighbours.
@compute @workgroup_size(64)
fn square_partials(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let split = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (split >= SPLITS) { return; }
    var sum = 0.0;
    for (var i = split; i < COUNT; i += SPLITS) {
        sum += grad[i] * grad[i];
    }
    partials[split] = sum;
}
