// One thread a channel.
// uses index
@compute @workgroup_size(64)
fn batch_norm_combine(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let c = thread_x(wid, groups, lid);
    if (c >= C) { return; }
    let rows = step.rows * SPATIAL;
    var mean = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        mean += f32(min(PER, rows - min(s * PER, rows))) * partials[s * 2u * C + c];
    }
    mean /= f32(rows);
    var variance = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        let d = partials[s * 2u * C + c] - mean;
        variance += partials[(s * 2u + 1u) * C + c] + f32(min(PER, rows - min(s * PER, rows))) * d * d;
    }
    variance /= f32(rows);
    let inverse = 1.0 / sqrt(variance + EPSILON);
    let a = inverse * select(1.0, affine[c], SCALED == 1u);
    stats[c] = mean;
    stats[C + c] = inverse;
    stats[2u * C + c] = a;
    stats[3u * C + c] = affine[C + c] - mean * a;
    moving_mean[c] = MOMENTUM * moving_mean[c] + (1.0 - MOMENTUM) * mean;
    moving_variance[c] = MOMENTUM * moving_variance[c] + (1.0 - MOMENTUM) * variance;
}
