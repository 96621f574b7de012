// forward: y = gamma · x̂ + beta. One thread a group of an item.
// uses index
@compute @workgroup_size(64)
fn layer_norm_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let group = thread_x(wid, groups, lid);
    if (group >= ITEMS * GROUPS) { return; }
    let channels = C / GROUPS;
    // Of an item's first place, and beyond its last.
    let left = group % GROUPS * channels;
    let start = group / GROUPS * SPATIAL * C + left;
    let end = start + SPATIAL * C;
    let count = select(f32(SPATIAL * channels), 1.0, NORM == 2u);
    let mean = select(0.0, stats[2u * group], NORM == 0u);
    let inverse = stats[2u * group + 1u];
    var sum = 0.0;
    var along = 0.0;
    for (var place = start; place < end; place += C) {
        for (var at = place; at < place + channels; at++) {
            let g = dy[at] * select(1.0, gamma[at - place + left], SCALED == 1u);
            sum += g;
            along += g * ((x[at] - mean) * inverse);
        }
    }
    if (NORM != 0u) { sum = 0.0; }
    if (NORM == 2u) { along *= stats[2u * group]; }
    for (var place = start; place < end; place += C) {
        for (var at = place; at < place + channels; at++) {
            let g = dy[at] * select(1.0, gamma[at - place + left], SCALED == 1u);
            let d = inverse * (g - (sum + (x[at] - mean) * inverse * along) / count);
            dx[at] = d * activate_grad(x[at]);
        }
    }
}
