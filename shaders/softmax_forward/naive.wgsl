// One thread a row: three passes over it.
// uses index
@compute @workgroup_size(8)
fn softmax_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS) { return; }
    let at = row * CLASSES;
    var top = x[at];
    for (var c = 1u; c < CLASSES; c++) { top = max(top, x[at + c]); }
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) { sum += exp(x[at + c] - top); }
    for (var c = 0u; c < CLASSES; c++) { y[at + c] = exp(x[at + c] - top) / sum; }
}
