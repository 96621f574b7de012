// forward: y[n, oh, ow, co] += x[n, oh·SH + kh·DH - PT, ow·SW + kw·DW - PL, g·CIG + i] · w[kh, kw, i, co].
// One thread an element of one split's dw, or of its db in the row after the last tap.
@compute @workgroup_size(64)
fn grouped_conv2d_grad_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>) {
    let co = id.x;
    let tap = wid.y; // (kh, kw, i)
    let split = wid.z;
    let taps = KH * KW * CIG;
    if (co >= CO || tap > taps || split >= SPLITS) { return; }
    let kh = tap / (KW * CIG);
    let kw = tap / CIG % KW;
    let ci = co / COG * CIG + tap % CIG;
    var sum = 0.0;
    for (var n = split * PER; n < min(split * PER + PER, N); n++) {
        for (var oh = 0u; oh < OH; oh++) {
            let h = oh * SH + kh * DH - PT;
            for (var ow = 0u; ow < OW; ow++) {
                let v = ow * SW + kw * DW - PL;
                let d = dy[((n * OH + oh) * OW + ow) * CO + co];
                if (tap == taps) {
                    sum += d;
                } else if (h < H && v < W) {
                    sum += x[((n * H + h) * W + v) * CI + ci] * d;
                }
            }
        }
    }
    partials[(split * (taps + 1u) + tap) * CO + co] = sum;
}
