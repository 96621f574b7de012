// One thread a row.
// uses index
@compute @workgroup_size(64)
fn mask_shares(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
               @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread_x(wid, groups, lid);
    if (row >= ROWS) { return; }
    let rows = select(ROWS, min(step.rows, ROWS), TOGETHER == 1u);
    let first = select(row, 0u, TOGETHER == 1u) * COLUMNS;
    let count = select(1u, rows, TOGETHER == 1u) * COLUMNS;
    var counted = 0u;
    for (var i = first; i < first + count; i++) { counted += select(0u, 1u, mask[i] >= 0.5); }
    let share = f32(count) / f32(max(counted, 1u));
    for (var i = row * COLUMNS; i < (row + 1u) * COLUMNS; i++) {
        w[i] = select(0.0, share, row < rows && mask[i] >= 0.5);
    }
}
