// forward: y = state, which is that before the step where the step's mask is below a half.
// One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn masked_gradient(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let now = step[0];
    let whole = dh[i] + held[i] + arriving(row, i % UNITS, now);
    let counts = mask[moment(row, now)] >= 0.5;
    d[i] = select(0.0, whole, counts);
    held[i] = select(whole, 0.0, counts);
}
