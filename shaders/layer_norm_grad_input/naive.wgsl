// forward: y = gamma · x̂ + beta. One thread a row.
// uses index
@compute @workgroup_size(64)
fn layer_norm_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread_x(wid, groups, lid);
    if (row >= ITEMS) { return; }
    let mean = stats[2u * row];
    let inverse = stats[2u * row + 1u];
    var sum = 0.0;
    var along = 0.0;
    for (var c = 0u; c < C; c++) {
        let g = dy[row * C + c] * select(1.0, gamma[c], SCALED == 1u);
        sum += g;
        along += g * ((x[row * C + c] - mean) * inverse);
    }
    for (var c = 0u; c < C; c++) {
        let at = row * C + c;
        let g = dy[at] * select(1.0, gamma[c], SCALED == 1u);
        let d = inverse * (g - (sum + (x[at] - mean) * inverse * along) / f32(C));
        dx[at] = d * activate_grad(x[at]);
    }
}
