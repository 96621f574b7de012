// Sixteen vectors of four elements a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much
// as a load.
// needs COUNT % 4 == 0
// uses index
const TILE_COUNT = 4096u;

@compute @workgroup_size(64)
fn binary(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * (TILE_COUNT / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_COUNT / 4u, COUNT / 4u); i += 64u) {
        let a = a4[i];
        let b = b4[i];
        y4[i] = vec4<f32>(apply(a.x, b.x), apply(a.y, b.y), apply(a.z, b.z), apply(a.w, b.w));
    }
}
