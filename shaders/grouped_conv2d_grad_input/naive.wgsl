// forward: y[n, oh, ow, co] += x[n, oh·SH + kh·DH - PT, ow·SW + kw·DW - PL, g·CIG + i] · w[kh, kw, i, co].
// One thread an element of dx, gathering from the outputs that it fed: no atomics.
// uses index
@compute @workgroup_size(64)
fn grouped_conv2d_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                             @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * CI) { return; }
    let ci = i % CI;
    let row = i / CI; // (n, h, w)
    let n = row / (H * W);
    let h = row / W % H;
    let v = row % W;
    let filters = ci / CIG * COG;
    var sum = 0.0;
    for (var kh = 0u; kh < KH; kh++) {
        for (var kw = 0u; kw < KW; kw++) {
            // Unsigned: a tap beyond the top or left wraps to a large number.
            let oh = (h + PT - kh * DH) / SH;
            let ow = (v + PL - kw * DW) / SW;
            if (oh < OH && ow < OW && oh * SH + kh * DH == h + PT && ow * SW + kw * DW == v + PL) {
                let start = ((n * OH + oh) * OW + ow) * CO + filters;
                let tap = ((kh * KW + kw) * CIG + ci % CIG) * CO + filters;
                for (var c = 0u; c < COG; c++) {
                    sum += dy[start + c] * w[tap + c];
                }
            }
        }
    }
    dx[i] = sum * activate_grad(x[i]);
}
