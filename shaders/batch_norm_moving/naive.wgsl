// One thread a channel.
@compute @workgroup_size(64)
fn batch_norm_moving(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let c = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (c >= C) { return; }
    let mean = moving_mean[c];
    let inverse = 1.0 / sqrt(moving_variance[c] + EPSILON);
    let a = inverse * select(1.0, gamma[c], SCALED == 1u);
    stats[c] = mean;
    stats[C + c] = inverse;
    stats[2u * C + c] = a;
    stats[3u * C + c] = beta[c] - mean * a;
}
