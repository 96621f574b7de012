// One thread a row.
// uses index
@compute @workgroup_size(64)
fn mask_steps(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
              @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread_x(wid, groups, lid);
    if (row >= ROWS) { return; }
    var other = false;
    for (var c = 0u; c < COLUMNS; c++) { other = other || x[row * COLUMNS + c] != VALUE; }
    mask[row] = select(0.0, 1.0, other);
}
