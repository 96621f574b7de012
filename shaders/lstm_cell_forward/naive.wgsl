// One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn lstm_cell_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    let first = 4u * row * UNITS + unit;
    let at = 4u * moment(row, now) * UNITS + unit;
    let input = gate(q[first] + z[at]);
    let forget = gate(q[first + UNITS] + z[at + UNITS]);
    let candidate = activate(q[first + 2u * UNITS] + z[at + 2u * UNITS]);
    let output = gate(q[first + 3u * UNITS] + z[at + 3u * UNITS]);
    let cell = forget * before[i] + input * candidate;
    let behind = output * activate(cell);
    gates[first] = input;
    gates[first + UNITS] = forget;
    gates[first + 2u * UNITS] = candidate;
    gates[first + 3u * UNITS] = output;
    c[i] = cell;
    state[i] = behind;
    if (now + 1u < TIME) { h[moment(row, now + 1u) * UNITS + unit] = behind; }
}
