// One thread a group of an item.
// uses index
@compute @workgroup_size(64)
fn layer_norm_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let group = thread_x(wid, groups, lid);
    if (group >= ITEMS * GROUPS) { return; }
    let channels = C / GROUPS;
    let count = f32(SPATIAL * channels);
    // Of an item's first place, and beyond its last.
    let left = group % GROUPS * channels;
    let start = group / GROUPS * SPATIAL * C + left;
    let end = start + SPATIAL * C;
    var mean = 0.0;
    if (NORM == 0u) {
        for (var place = start; place < end; place += C) {
            for (var at = place; at < place + channels; at++) { mean += x[at]; }
        }
        mean /= count;
    }
    var squares = 0.0;
    for (var place = start; place < end; place += C) {
        for (var at = place; at < place + channels; at++) {
            let d = x[at] - mean;
            squares += d * d;
        }
    }
    var inverse = 1.0;
    if (NORM == 2u) {
        inverse = 1.0 / sqrt(max(squares, EPSILON));
        stats[2u * group] = select(1.0, 0.0, squares < EPSILON);
    } else {
        inverse = 1.0 / sqrt(squares / count + EPSILON);
        stats[2u * group] = mean;
    }
    stats[2u * group + 1u] = inverse;
    for (var place = start; place < end; place += C) {
        for (var at = place; at < place + channels; at++) {
            let c = at - place + left;
            let scale = inverse * select(1.0, gamma[c], SCALED == 1u);
            y[at] = activate((x[at] - mean) * scale + beta[c]);
        }
    }
}
