// forward: y[n, oh, ow, c] = x at the window's place argmax[n, oh, ow, c].
// For GPUs: one thread an element of dx, the workgroups over all of them in a row, so that no thread
// is idle where the channels are few. Each looks at every window that holds it.
// grid ITEMS = N * H * W * C
// uses index
@compute @workgroup_size(64)
fn max_pool2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                   @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid); // (n, h, w, c)
    if (i >= N * H * W * C) { return; }
    let n = i / (H * W * C);
    let bottom = i / (W * C) % H + PT;
    let right = i / C % W + PL;
    var sum = 0.0;
    for (var kh = 0u; kh < PH; kh++) {
        for (var kw = 0u; kw < PW; kw++) {
            // Unsigned: a place beyond the top or left wraps to a large number.
            let oh = (bottom - kh) / SH;
            let ow = (right - kw) / SW;
            if (oh < OH && ow < OW && oh * SH + kh == bottom && ow * SW + kw == right) {
                let at = ((n * OH + oh) * OW + ow) * C + i % C;
                if (argmax[at] == kh * PW + kw) { sum += dy[at]; }
            }
        }
    }
    dx[i] = sum * activate_grad(x[i]);
}
