// Four numbers of the state a thread: a load of four costs CPU adapters little more than a load of one.
// needs UNITS % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;

@compute @workgroup_size(64)
fn gru_cell_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let quads = UNITS / 4u;
    if (i >= ROWS * quads) { return; }
    let row = i / quads;
    let quad = i % quads;
    let now = step[0];
    let first = 3u * row * quads + quad;
    let at = 3u * moment(row, now) * quads + quad;
    let recurrent = 3u * (BIASES - 1u) * quads + quad;
    let earlier = before4[i];
    let held = product4[first + 2u * quads] + bias4[recurrent + 2u * quads];
    let update = gate4(z4[at] + bias4[quad] + product4[first] + bias4[recurrent]);
    let reset = gate4(z4[at + quads] + bias4[quads + quad] + product4[first + quads] + bias4[recurrent + quads]);
    let candidate = activate4(z4[at + 2u * quads] + bias4[2u * quads + quad] + reset * held);
    let behind = update * earlier + (1.0 - update) * candidate;
    let kept = 5u * row * quads + quad;
    gates4[kept] = update;
    gates4[kept + quads] = reset;
    gates4[kept + 2u * quads] = candidate;
    gates4[kept + 3u * quads] = held;
    gates4[kept + 4u * quads] = earlier;
    state4[i] = behind;
    if (now + 1u < TIME) { h4[moment(row, now + 1u) * quads + quad] = behind; }
}
