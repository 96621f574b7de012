// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn conv2d_forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups); // (n, oh, ow)
    let co = id.x;
    if (row >= N * OH * OW || co >= CO) { return; }
    let n = row / (OH * OW);
    let oh = row / OW % OH;
    let ow = row % OW;
    var sum = 0.0;
    for (var kh = 0u; kh < KH; kh++) {
        for (var kw = 0u; kw < KW; kw++) {
            // Unsigned: what lies above or left of the input wraps to a large number.
            let h = oh * SH + kh - PT;
            let v = ow * SW + kw - PL;
            if (h < H && v < W) {
                let start = ((n * H + h) * W + v) * CI;
                var tap = (kh * KW + kw) * CI * CO + co;
                for (var at = start; at < start + CI; at++) {
                    sum += x[at] * w[tap];
                    tap += CO;
                }
            }
        }
    }
    y[row * CO + co] = activate(sum + b[co]);
}
