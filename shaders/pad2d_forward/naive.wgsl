// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn pad2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * OH * OW * C) { return; }
    let row = i / C; // (n, oh, ow)
    // Unsigned: what lies above or left of the input wraps to a large number.
    let h = row / OW % OH - PT;
    let v = row % OW - PL;
    var value = 0.0;
    if (h < H && v < W) { value = x[((row / (OH * OW) * H + h) * W + v) * C + i % C]; }
    y[i] = value;
}
