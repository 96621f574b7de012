// forward: y = state = o · activate(c), c = f · before + i · g. One thread a number of the state.
// uses index
@compute @workgroup_size(64)
fn lstm_cell_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * UNITS) { return; }
    let row = i / UNITS;
    let unit = i % UNITS;
    let now = step[0];
    let first = 4u * row * UNITS + unit;
    let input = gates[first];
    let forget = gates[first + UNITS];
    let candidate = gates[first + 2u * UNITS];
    let output = gates[first + 3u * UNITS];
    let bent = activate(forget * before[i] + input * candidate);
    let d = dh[i] + arriving(row, unit, now);
    let dcell = dc[i] + d * output * activate_grad(bent);
    let dinput = dcell * candidate * gate_grad(input);
    let dforget = dcell * before[i] * gate_grad(forget);
    let dcandidate = dcell * input * activate_grad(candidate);
    let doutput = d * bent * gate_grad(output);
    let at = 4u * moment(row, now) * UNITS + unit;
    dz[at] = dinput;
    dz[at + UNITS] = dforget;
    dz[at + 2u * UNITS] = dcandidate;
    dz[at + 3u * UNITS] = doutput;
    dq[first] = dinput;
    dq[first + UNITS] = dforget;
    dq[first + 2u * UNITS] = dcandidate;
    dq[first + 3u * UNITS] = doutput;
    dc[i] = dcell * forget;
}
