// forward: y = gamma · x̂ + beta, x̂ = (x - mean) · inverse. One thread four channels of a split.
// needs C % 4 == 0
// uses index
const TILE_C = 32u;

@compute @workgroup_size(8)
fn batch_norm_grad_partials(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                            @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = C / 4u;
    let c = id.x;
    let split = group_y(wid, groups);
    if (c >= quads || split >= SPLITS) { return; }
    let mean = stats4[c];
    var dgamma = vec4(0.0);
    var dbeta = vec4(0.0);
    for (var row = split * PER; row < min(split * PER + PER, ITEMS); row++) {
        let d = dy4[row * quads + c];
        dgamma += d * (x4[row * quads + c] - mean);
        dbeta += d;
    }
    partials4[split * 2u * quads + c] = dgamma * stats4[quads + c];
    partials4[(split * 2u + 1u) * quads + c] = dbeta;
}
