// Sixteen elements a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much as a load.
// uses index
const TILE_COUNT = 1024u;

@compute @workgroup_size(64)
fn dropout_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * TILE_COUNT + lid.x;
    for (var i = first; i < min(first + TILE_COUNT, COUNT); i += 64u) {
        y[i] = noisy(i);
    }
}
