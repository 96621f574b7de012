// Sixteen vectors of four elements a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much
// as a load.
// needs COUNT % 4 == 0
// uses index, activate4
const TILE_COUNT = 4096u;

@compute @workgroup_size(64)
fn activation_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * (TILE_COUNT / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_COUNT / 4u, COUNT / 4u); i += 64u) {
        y4[i] = activate4(x4[i]);
    }
}
