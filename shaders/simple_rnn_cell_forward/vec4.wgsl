// Four numbers of the state a thread: a load of four costs CPU adapters little more than a load of one.
// needs UNITS % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;

@compute @workgroup_size(64)
fn simple_rnn_cell_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                           @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let quads = UNITS / 4u;
    if (i >= ROWS * quads) { return; }
    let row = i / quads;
    let quad = i % quads;
    let now = step[0];
    let behind = activate4(q4[i] + z4[moment(row, now) * quads + quad]);
    state4[i] = behind;
    if (now + 1u < TIME) { h4[moment(row, now + 1u) * quads + quad] = behind; }
}
