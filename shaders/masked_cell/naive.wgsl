// One thread a number of the cell.
// uses index
@compute @workgroup_size(64)
fn masked_cell(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
               @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    if (mask[moment(i / UNITS, step[0])] >= 0.5) { return; }
    c[i] = before[i];
}
