// forward: y = softmax(x). One thread a row.
// uses index
@compute @workgroup_size(8)
fn softmax_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS) { return; }
    let at = row * CLASSES;
    var dot = 0.0;
    for (var c = 0u; c < CLASSES; c++) { dot += dy[at + c] * y[at + c]; }
    for (var c = 0u; c < CLASSES; c++) { dx[at + c] = y[at + c] * (dy[at + c] - dot); }
}
