// One thread a channel of a split. Two sweeps: a sum of squares alone would cancel.
// uses index
@compute @workgroup_size(64)
fn batch_norm_partials(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                       @builtin(num_workgroups) groups: vec3<u32>) {
    let c = id.x;
    let split = group_y(wid, groups);
    if (c >= C || split >= SPLITS) { return; }
    let first = split * PER;
    let last = min(first + PER, step.rows * SPATIAL);
    var mean = 0.0;
    var squares = 0.0;
    if (first < last) {
        for (var row = first; row < last; row++) { mean += x[row * C + c]; }
        mean /= f32(last - first);
        for (var row = first; row < last; row++) {
            let d = x[row * C + c] - mean;
            squares += d * d;
        }
    }
    partials[split * 2u * C + c] = mean;
    partials[(split * 2u + 1u) * C + c] = squares;
}
