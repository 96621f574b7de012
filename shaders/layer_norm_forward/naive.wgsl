// One thread a row.
// uses index
@compute @workgroup_size(64)
fn layer_norm_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread_x(wid, groups, lid);
    if (row >= ITEMS) { return; }
    var mean = 0.0;
    for (var c = 0u; c < C; c++) { mean += x[row * C + c]; }
    mean /= f32(C);
    var variance = 0.0;
    for (var c = 0u; c < C; c++) {
        let d = x[row * C + c] - mean;
        variance += d * d;
    }
    let inverse = 1.0 / sqrt(variance / f32(C) + EPSILON);
    stats[2u * row] = mean;
    stats[2u * row + 1u] = inverse;
    for (var c = 0u; c < C; c++) {
        let scale = inverse * select(1.0, gamma[c], SCALED == 1u);
        y[row * C + c] = activate((x[row * C + c] - mean) * scale + beta[c]);
    }
}
