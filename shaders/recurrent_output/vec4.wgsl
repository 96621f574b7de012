// Four vectors of four elements of y a thread, a workgroup's width apart: on CPU adapters starting a thread costs as
// much as a load.
// needs UNITS % 4 == 0
// uses index
const TILE_ITEMS = 1024u;

@compute @workgroup_size(64)
fn recurrent_output(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = UNITS / 4u;
    let first = group_x(wid, groups) * (TILE_ITEMS / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_ITEMS / 4u, ROWS * TIME * quads); i += 64u) {
        let row = i / quads / TIME;
        let place = i / quads % TIME;
        let step = select(place, TIME - 1u - place, FLIP == 1u);
        if (step + 1u < TIME) {
            y4[i] = h4[moment(row, step + 1u) * quads + i % quads];
        } else {
            y4[i] = last4[row * quads + i % quads];
        }
    }
}
