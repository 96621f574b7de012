// forward: y = the mean of the window. One thread an element of dx, looking at every window that holds it.
// uses index
fn covered(first: u32, size: u32, pad: u32, extent: u32) -> u32 {
    // The window begins at first - pad, which may lie before the input.
    return min(first + size, extent + pad) - max(first, pad);
}

@compute @workgroup_size(64)
fn average_pool2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                       @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * C) { return; }
    let c = i % C;
    let row = i / C; // (n, h, w)
    let n = row / (H * W);
    let h = row / W % H;
    let v = row % W;
    var sum = 0.0;
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            let oh = (h + PT - kh) / SH;
            let ow = (v + PL - kw) / SW;
            if (oh < OH && ow < OW && oh * SH + kh == h + PT && ow * SW + kw == v + PL) {
                let pixels = covered(oh * SH, PH, PT, H) * covered(ow * SW, PW, PL, W);
                sum += dy[((n * OH + oh) * OW + ow) * C + c] / f32(pixels);
            }
        }
    }
    dx[i] = sum * activate_grad(x[i]);
}
