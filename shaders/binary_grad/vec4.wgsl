// forward: y = a function of a and b.
// Sixteen vectors of four elements a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much
// as a load.
// needs COUNT % 4 == 0
// uses index, activate4
const TILE_COUNT = 4096u;

@compute @workgroup_size(64)
fn binary_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
               @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * (TILE_COUNT / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_COUNT / 4u, COUNT / 4u); i += 64u) {
        let a = a4[i];
        let b = b4[i];
        let slopes = vec4<f32>(slope(a.x, b.x), slope(a.y, b.y), slope(a.z, b.z), slope(a.w, b.w));
        dx4[i] = dy4[i] * slopes * activate_grad4(a);
    }
}
