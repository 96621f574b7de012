// One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn gru_cell_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    let first = 3u * row * UNITS + unit;
    let at = 3u * moment(row, now) * UNITS + unit;
    let recurrent = 3u * (BIASES - 1u) * UNITS + unit;
    let held = product[first + 2u * UNITS] + bias[recurrent + 2u * UNITS];
    let update = gate(z[at] + bias[unit] + product[first] + bias[recurrent]);
    let reset = gate(z[at + UNITS] + bias[UNITS + unit] + product[first + UNITS] + bias[recurrent + UNITS]);
    let candidate = activate(z[at + 2u * UNITS] + bias[2u * UNITS + unit] + reset * held);
    let behind = update * before[i] + (1.0 - update) * candidate;
    let kept = 5u * row * UNITS + unit;
    gates[kept] = update;
    gates[kept + UNITS] = reset;
    gates[kept + 2u * UNITS] = candidate;
    gates[kept + 3u * UNITS] = held;
    gates[kept + 4u * UNITS] = before[i];
    state[i] = behind;
    if (now + 1u < TIME) { h[moment(row, now + 1u) * UNITS + unit] = behind; }
}
