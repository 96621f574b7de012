// forward: y = the mean of the window. For windows that do not overlap: one thread an element of dx, which looks at the
// one window that may hold it.
// needs PH == SH, PW == SW
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
    let row = i / C; // (n, h, w)
    let oh = (row / W % H + PT) / PH;
    let ow = (row % W + PL) / PW;
    var d = 0.0;
    if (oh < OH && ow < OW) {
        let pixels = covered(oh * PH, PH, PT, H) * covered(ow * PW, PW, PL, W);
        d = dy[((row / (H * W) * OH + oh) * OW + ow) * C + i % C] / f32(pixels);
    }
    dx[i] = d * activate_grad(x[i]);
}
