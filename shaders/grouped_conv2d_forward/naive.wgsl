// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn grouped_conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                          @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * OH * OW * CO) { return; }
    let co = i % CO;
    let row = i / CO; // (n, oh, ow)
    let n = row / (OH * OW);
    let group = co / COG * CIG;
    var sum = 0.0;
    for (var kh = 0u; kh < KH; kh++) {
        for (var kw = 0u; kw < KW; kw++) {
            // Unsigned: what lies above or left of the input wraps to a large number.
            let h = row / OW % OH * SH + kh * DH - PT;
            let v = row % OW * SW + kw * DW - PL;
            if (h < H && v < W) {
                let start = ((n * H + h) * W + v) * CI + group;
                let tap = (kh * KW + kw) * CIG;
                for (var c = 0u; c < CIG; c++) {
                    sum += x[start + c] * w[(tap + c) * CO + co];
                }
            }
        }
    }
    y[i] = activate(sum + b[co]);
}
