// forward: y = x at argmax.
// For windows that neither overlap nor are padded above or left: one thread a window and four channels, which reads
// dy and argmax once and writes every dx of the window. Windows that hang over the edge, or lie in the rest that no
// window of y covers, write zeros: hence one row and column of windows more than y has.
// needs PH == SH, PW == SW, PT == 0, PL == 0, C % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;
// grid ITEMS = N * OH * OW * C + N * OH * C + N * OW * C + N * C

@compute @workgroup_size(64)
fn max_pool2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let item = thread_x(wid, groups, lid);
    let c = item % (C / 4u);
    let window = item / (C / 4u); // (n, oh, ow), with one more row and column than y has
    let n = window / ((OH + 1u) * (OW + 1u));
    let oh = window / (OW + 1u) % (OH + 1u);
    let ow = window % (OW + 1u);
    if (n >= N || oh * PH >= H || ow * PW >= W) { return; }
    var d = vec4(0.0);
    var place = vec4(0u);
    if (oh < OH && ow < OW) {
        let at = ((n * OH + oh) * OW + ow) * (C / 4u) + c;
        d = dy4[at];
        place = argmax4[at];
    }
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            let h = oh * PH + kh;
            let v = ow * PW + kw;
            if (h < H && v < W) {
                let at = ((n * H + h) * W + v) * (C / 4u) + c;
                let slope = activate_grad4(x4[at]);
                dx4[at] = select(vec4(0.0), d * slope, place == vec4(kh * PW + kw));
            }
        }
    }
}
