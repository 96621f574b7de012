// One thread a channel.
// uses index
@compute @workgroup_size(64)
fn batch_norm_moving(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let c = thread_x(wid, groups, lid);
    if (c >= C) { return; }
    let mean = moving_mean[c];
    let inverse = 1.0 / sqrt(moving_variance[c] + EPSILON);
    let a = inverse * select(1.0, gamma[c], SCALED == 1u);
    stats[c] = mean;
    stats[C + c] = inverse;
    stats[2u * C + c] = a;
    stats[3u * C + c] = beta[c] - mean * a;
}
