// forward: y = state = o · activate(c), c = f · before + i · g.
// Four numbers of the state a thread: a load of four costs CPU adapters little more than a load of one.
// needs UNITS % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;

@compute @workgroup_size(64)
fn lstm_cell_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let quads = UNITS / 4u;
    if (i >= ROWS * quads) { return; }
    let row = i / quads;
    let quad = i % quads;
    let now = step[0];
    let first = 4u * row * quads + quad;
    let input = gates4[first];
    let forget = gates4[first + quads];
    let candidate = gates4[first + 2u * quads];
    let output = gates4[first + 3u * quads];
    let earlier = before4[i];
    let bent = activate4(forget * earlier + input * candidate);
    let d = dh4[i] + arriving4(row, quad, now);
    let dcell = dc4[i] + d * output * activate_grad4(bent);
    let dinput = dcell * candidate * gate_grad4(input);
    let dforget = dcell * earlier * gate_grad4(forget);
    let dcandidate = dcell * input * activate_grad4(candidate);
    let doutput = d * bent * gate_grad4(output);
    let at = 4u * moment(row, now) * quads + quad;
    dz4[at] = dinput;
    dz4[at + quads] = dforget;
    dz4[at + 2u * quads] = dcandidate;
    dz4[at + 3u * quads] = doutput;
    dq4[first] = dinput;
    dq4[first + quads] = dforget;
    dq4[first + 2u * quads] = dcandidate;
    dq4[first + 3u * quads] = doutput;
    dc4[i] = dcell * forget;
}
