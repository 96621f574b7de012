// forward: y = x with zeros round it. One thread an element of dx.
// uses index
@compute @workgroup_size(64)
fn pad2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
              @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * C) { return; }
    let row = i / C; // (n, h, w)
    let h = row / W % H + PT;
    let v = row % W + PL;
    dx[i] = dy[((row / (H * W) * OH + h) * OW + v) * C + i % C] * activate_grad(x[i]);
}
