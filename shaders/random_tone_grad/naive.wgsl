// forward: y = x toned, clipped. One thread an element.
// uses index
@compute @workgroup_size(64)
fn random_tone_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * PIXELS * C) { return; }
    let image = i / (PIXELS * C);
    let value = toned(x[i], mean[image * C + i % C], image);
    dx[i] = select(0.0, dy[i] * activate_grad(x[i]), value >= LOW && value <= HIGH);
}
