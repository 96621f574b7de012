// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn max_pool2d_forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups); // (n, oh, ow)
    let c = id.x;
    if (row >= N * OH * OW || c >= C) { return; }
    let n = row / (OH * OW);
    let oh = row / OW % OH;
    let ow = row % OW;
    var best = 0.0;
    var place = PH * PW; // none yet
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            let h = oh * SH + kh - PT;
            let v = ow * SW + kw - PL;
            if (h < H && v < W) {
                let value = x[((n * H + h) * W + v) * C + c];
                if (place == PH * PW || value > best) {
                    best = value;
                    place = kh * PW + kw;
                }
            }
        }
    }
    y[row * C + c] = best;
    argmax[row * C + c] = place;
}
