// forward: y = state = activate(z + q). One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn simple_rnn_cell_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    let d = (dh[i] + arriving(row, unit, now)) * activate_grad(state[i]);
    dz[moment(row, now) * UNITS + unit] = d;
    dq[i] = d;
}
