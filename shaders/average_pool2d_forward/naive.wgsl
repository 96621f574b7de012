// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn average_pool2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                          @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * OH * OW * C) { return; }
    let c = i % C;
    let row = i / C; // (n, oh, ow)
    let n = row / (OH * OW);
    // Unsigned: what lies above or left of the input wraps to a large number.
    let top = row / OW % OH * SH - PT;
    let left = row % OW * SW - PL;
    var sum = 0.0;
    var covered = 0u;
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            if (top + kh < H && left + kw < W) {
                sum += x[((n * H + top + kh) * W + left + kw) * C + c];
                covered++;
            }
        }
    }
    y[i] = sum / f32(max(covered, 1u));
}
