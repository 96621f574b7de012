// For CPU adapters, where a workgroup costs as much as many loads: a thread copies 16 vec4, neighbours side by side.
// uses index
const EACH = 16u;
const TILE_COUNT = 4096u; // 64 threads of 16 vec4

@compute @workgroup_size(64)
fn peak_copy(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * 64u * EACH + lid.x;
    for (var n = 0u; n < EACH; n++) {
        let i = first + 64u * n;
        if (i < COUNT / 4u) { y4[i] = x4[i]; }
    }
}
