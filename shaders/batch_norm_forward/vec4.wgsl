// Sixteen vectors of four channels a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much
// as a load. `stats4` is read again for each, since lanes stand on different channels.
// needs C % 4 == 0
// uses index, activate4
const TILE_COUNT = 4096u;

@compute @workgroup_size(64)
fn batch_norm_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = C / 4u;
    let count = ITEMS * quads;
    let first = group_x(wid, groups) * (TILE_COUNT / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_COUNT / 4u, count); i += 64u) {
        let c = i % quads;
        y4[i] = activate4(stats4[2u * quads + c] * x4[i] + stats4[3u * quads + c]);
    }
}
