// forward: y = x at argmax. One thread an element of dx, looking at every window that holds it.
// uses index
@compute @workgroup_size(64)
fn max_pool2d_grad(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups); // (n, h, w)
    let c = id.x;
    if (row >= N * H * W || c >= C) { return; }
    let n = row / (H * W);
    let h = row / W % H;
    let v = row % W;
    var sum = 0.0;
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            let oh = (h + PT - kh) / SH;
            let ow = (v + PL - kw) / SW;
            if (oh < OH && ow < OW && oh * SH + kh == h + PT && ow * SW + kw == v + PL) {
                let start = ((n * OH + oh) * OW + ow) * C + c;
                if (argmax[start] == kh * PW + kw) { sum += dy[start]; }
            }
        }
    }
    let at = row * C + c;
    dx[at] = sum * activate_grad(x[at]);
}
