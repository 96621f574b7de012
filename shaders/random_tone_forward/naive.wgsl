// One thread an element.
// uses index
@compute @workgroup_size(64)
fn random_tone_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                       @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * PIXELS * C) { return; }
    let image = i / (PIXELS * C);
    y[i] = clamp(toned(x[i], mean[image * C + i % C], image), LOW, HIGH);
}
