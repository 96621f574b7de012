// forward: y = gamma · x̂ + beta.
// Sixteen vectors of four channels a thread, a workgroup's width apart: on CPU adapters starting a thread costs as much
// as a load.
// needs C % 4 == 0
// uses index, activate4
const TILE_COUNT = 4096u;

@compute @workgroup_size(64)
fn batch_norm_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = C / 4u;
    let count = ROWS * SPATIAL * quads;
    let valid = step.rows * SPATIAL * quads;
    let first = group_x(wid, groups) * (TILE_COUNT / 4u) + lid.x;
    for (var i = first; i < min(first + TILE_COUNT / 4u, count); i += 64u) {
        let c = i % quads;
        let x = x4[i];
        let slope = activate_grad4(x);
        let d = coefficients4[c] * dy4[i] + coefficients4[quads + c] * x + coefficients4[2u * quads + c];
        dx4[i] = select(vec4(0.0), d * slope, i < valid);
    }
}
