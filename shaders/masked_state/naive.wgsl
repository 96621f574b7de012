// One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn masked_state(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    if (mask[moment(row, now)] >= 0.5) { return; }
    let before = h[moment(row, now) * UNITS + unit];
    state[i] = before;
    if (now + 1u < TIME) { h[moment(row, now + 1u) * UNITS + unit] = before; }
}
