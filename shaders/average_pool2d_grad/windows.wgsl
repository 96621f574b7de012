// forward: y = the mean of the window.
// For windows that neither overlap nor are padded above or left: one thread a window and four channels, which reads
// dy once and writes every dx of the window. What lies in the rest that no window of y covers gets zeros: hence one row
// and column of windows more than y has.
// needs PH == SH, PW == SW, PT == 0, PL == 0, C % 4 == 0
// uses index, activate4
const TILE_ITEMS = 256u;
// grid ITEMS = N * OH * OW * C + N * OH * C + N * OW * C + N * C

@compute @workgroup_size(64)
fn average_pool2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                       @builtin(num_workgroups) groups: vec3<u32>) {
    let item = thread_x(wid, groups, lid);
    let c = item % (C / 4u);
    let window = item / (C / 4u); // (n, oh, ow), with one more row and column than y has
    let n = window / ((OH + 1u) * (OW + 1u));
    let oh = window / (OW + 1u) % (OH + 1u);
    let ow = window % (OW + 1u);
    if (n >= N || oh * PH >= H || ow * PW >= W) { return; }
    // The last windows may hang over the edge: what lies behind it does not count.
    let rows = min(PH, H - oh * PH);
    let columns = min(PW, W - ow * PW);
    var d = vec4(0.0);
    if (oh < OH && ow < OW) {
        d = dy4[((n * OH + oh) * OW + ow) * (C / 4u) + c] / f32(rows * columns);
    }
    for (var kh = 0u; kh < rows; kh++) {
        for (var kw = 0u; kw < columns; kw++) {
            let at = ((n * H + oh * PH + kh) * W + ow * PW + kw) * (C / 4u) + c;
            dx4[at] = d * activate_grad4(x4[at]);
        }
    }
}
