// The largest of each window, four channels a thread: the lanes are outputs in memory's order, whatever the number
// of channels, and a CPU adapter's cost of a load (a branch a lane) is paid once for four values.
// needs C % 4 == 0
// uses index
const TILE_ITEMS = 256u;
// grid ITEMS = N * OH * OW * C

@compute @workgroup_size(64)
fn max_pool2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let item = thread_x(wid, groups, lid);
    if (item >= N * OH * OW * C / 4u) { return; }
    let c = item % (C / 4u);
    let row = item / (C / 4u); // (n, oh, ow)
    let n = row / (OH * OW);
    let oh = row / OW % OH;
    let ow = row % OW;
    var best = vec4(0.0);
    var place = vec4(PH * PW); // none yet
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            let h = oh * SH + kh - PT;
            let v = ow * SW + kw - PL;
            if (h < H && v < W) {
                let value = x4[((n * H + h) * W + v) * (C / 4u) + c];
                let better = (place == vec4(PH * PW)) | (value > best);
                best = select(best, value, better);
                place = select(place, vec4(kh * PW + kw), better);
            }
        }
    }
    y4[item] = best;
    argmax4[item] = place;
}
