// For GPUs: one thread an element of y, the workgroups over all of them in a row, so that no thread
// is idle where the channels are few.
// grid ITEMS = N * OH * OW * C
// uses index
@compute @workgroup_size(64)
fn max_pool2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid); // (n, oh, ow, c)
    if (i >= N * OH * OW * C) { return; }
    let n = i / (OH * OW * C);
    let top = i / (OW * C) % OH * SH - PT;
    let left = i / C % OW * SW - PL;
    var best = 0.0;
    var place = PH * PW; // none yet
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            // Unsigned: what lies above or left of the input wraps to a large number.
            let h = top + kh;
            let v = left + kw;
            if (h < H && v < W) {
                let value = x[((n * H + h) * W + v) * C + i % C];
                if (place == PH * PW || value > best) {
                    best = value;
                    place = kh * PW + kw;
                }
            }
        }
    }
    y[i] = best;
    argmax[i] = place;
}
