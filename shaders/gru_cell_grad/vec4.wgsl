// forward: y = state = s · before + (1 - s) · g.
// Four numbers of the state a thread: a load of four costs CPU adapters little more than a load of one.
// needs UNITS % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;

@compute @workgroup_size(64)
fn gru_cell_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let quads = UNITS / 4u;
    if (i >= ROWS * quads) { return; }
    let row = i / quads;
    let quad = i % quads;
    let now = step[0];
    let kept = 5u * row * quads + quad;
    let update = gates4[kept];
    let reset = gates4[kept + quads];
    let candidate = gates4[kept + 2u * quads];
    let d = dh4[i] + past4[i] + arriving4(row, quad, now);
    let dupdate = d * (gates4[kept + 4u * quads] - candidate) * gate_grad4(update);
    let dcandidate = d * (1.0 - update) * activate_grad4(candidate);
    let dreset = dcandidate * gates4[kept + 3u * quads] * gate_grad4(reset);
    let at = 3u * moment(row, now) * quads + quad;
    dz4[at] = dupdate;
    dz4[at + quads] = dreset;
    dz4[at + 2u * quads] = dcandidate;
    all_dq4[at] = dupdate;
    all_dq4[at + quads] = dreset;
    all_dq4[at + 2u * quads] = dcandidate * reset;
    let first = 3u * row * quads + quad;
    dq4[first] = dupdate;
    dq4[first + quads] = dreset;
    dq4[first + 2u * quads] = dcandidate * reset;
    past4[i] = d * update;
}
