// forward: y = shares of at most four pixels of x. One thread an element of dx, which gathers what it gave.
// uses index
@compute @workgroup_size(64)
fn resize2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * C) { return; }
    let row = i / C; // (n, h, v)
    let h = row / W % H;
    let v = row % W;
    // Pixels of y whose first neighbour is this one or the one before it.
    let before = select(1u, 0u, NEAREST == 1u);
    let top = first_from(max(h, before) - before, H, OH);
    let left = first_from(max(v, before) - before, W, OW);
    let bottom = min(first_from(h + 1u, H, OH), OH);
    let end = min(first_from(v + 1u, W, OW), OW);
    var sum = 0.0;
    for (var oh = top; oh < bottom; oh++) {
        let line = (row / (H * W) * OH + oh) * OW;
        var along = 0.0;
        for (var ow = left; ow < end; ow++) {
            along += share_of(v, ow, W, OW) * dy[(line + ow) * C + i % C];
        }
        sum += share_of(h, oh, H, OH) * along;
    }
    dx[i] = sum * activate_grad(x[i]);
}
