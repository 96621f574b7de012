// forward: y = state = s · before + (1 - s) · g. One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn gru_cell_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    let kept = 5u * row * UNITS + unit;
    let update = gates[kept];
    let reset = gates[kept + UNITS];
    let candidate = gates[kept + 2u * UNITS];
    let d = dh[i] + past[i] + arriving(row, unit, now);
    let dupdate = d * (gates[kept + 4u * UNITS] - candidate) * gate_grad(update);
    let dcandidate = d * (1.0 - update) * activate_grad(candidate);
    let dreset = dcandidate * gates[kept + 3u * UNITS] * gate_grad(reset);
    let at = 3u * moment(row, now) * UNITS + unit;
    dz[at] = dupdate;
    dz[at + UNITS] = dreset;
    dz[at + 2u * UNITS] = dcandidate;
    all_dq[at] = dupdate;
    all_dq[at + UNITS] = dreset;
    all_dq[at + 2u * UNITS] = dcandidate * reset;
    let first = 3u * row * UNITS + unit;
    dq[first] = dupdate;
    dq[first + UNITS] = dreset;
    dq[first + 2u * UNITS] = dcandidate * reset;
    past[i] = d * update;
}
