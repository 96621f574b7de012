// One thread a vec4.
// uses index
const TILE_COUNT = 1024u; // 256 threads of one vec4

@compute @workgroup_size(256)
fn peak_copy(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let i = group_x(wid, groups) * 256u + lid.x;
    if (i < COUNT / 4u) { y4[i] = x4[i]; }
}
