// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// One thread an element of dx, gathering from the outputs that it fed: no atomics.
// uses index
@compute @workgroup_size(64)
fn conv2d_grad_input(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups); // (n, h, w)
    let ci = id.x;
    if (row >= N * H * W || ci >= CI) { return; }
    let n = row / (H * W);
    let h = row / W % H;
    let v = row % W;
    var sum = 0.0;
    for (var kh = 0u; kh < KH; kh++) {
        for (var kw = 0u; kw < KW; kw++) {
            // Unsigned: a tap beyond the top or left wraps to a large number.
            let oh = (h + PT - kh) / SH;
            let ow = (v + PL - kw) / SW;
            if (oh < OH && ow < OW && oh * SH + kh == h + PT && ow * SW + kw == v + PL) {
                let start = ((n * OH + oh) * OW + ow) * CO;
                var tap = ((kh * KW + kw) * CI + ci) * CO;
                for (var at = start; at < start + CO; at++) {
                    sum += dy[at] * w[tap];
                    tap++;
                }
            }
        }
    }
    let at = row * CI + ci;
    dx[at] = sum * activate_grad(x[at]);
}
