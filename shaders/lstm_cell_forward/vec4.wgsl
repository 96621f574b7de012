// Four numbers of the state a thread: a load of four costs CPU adapters little more than a load of one.
// needs UNITS % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;

@compute @workgroup_size(64)
fn lstm_cell_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let quads = UNITS / 4u;
    if (i >= ROWS * quads) { return; }
    let row = i / quads;
    let quad = i % quads;
    let now = step[0];
    let first = 4u * row * quads + quad;
    let at = 4u * moment(row, now) * quads + quad;
    let input = gate4(q4[first] + z4[at]);
    let forget = gate4(q4[first + quads] + z4[at + quads]);
    let candidate = activate4(q4[first + 2u * quads] + z4[at + 2u * quads]);
    let output = gate4(q4[first + 3u * quads] + z4[at + 3u * quads]);
    let cell = forget * before4[i] + input * candidate;
    let behind = output * activate4(cell);
    gates4[first] = input;
    gates4[first + quads] = forget;
    gates4[first + 2u * quads] = candidate;
    gates4[first + 3u * quads] = output;
    c4[i] = cell;
    state4[i] = behind;
    if (now + 1u < TIME) { h4[moment(row, now + 1u) * quads + quad] = behind; }
}
