// forward: y = shares of at most four pixels of x. One thread a pixel and four of its channels at a time, for which the pixels
// of y and their shares are found once.
// grid PIXELS = N * H * W
// uses index
@compute @workgroup_size(64)
fn resize2d_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let row = thread_x(wid, groups, lid); // (n, h, v)
    if (row >= N * H * W) { return; }
    let h = row / W % H;
    let v = row % W;
    // Pixels of y whose first neighbour is this one or the one before it.
    let before = select(1u, 0u, NEAREST == 1u);
    let top = first_from(max(h, before) - before, H, OH);
    let left = first_from(max(v, before) - before, W, OW);
    let bottom = min(first_from(h + 1u, H, OH), OH);
    let end = min(first_from(v + 1u, W, OW), OW);
    let image = row / (H * W) * OH;
    for (var c = 0u; c < C; c += 4u) {
        let channel = min(vec4<u32>(c, c + 1u, c + 2u, c + 3u), vec4<u32>(C - 1u));
        var sum = vec4<f32>(0.0);
        for (var oh = top; oh < bottom; oh++) {
            let line = (image + oh) * OW;
            var along = vec4<f32>(0.0);
            for (var ow = left; ow < end; ow++) {
                let at = vec4<u32>((line + ow) * C) + channel;
                let near = vec4<f32>(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
                along += share_of(v, ow, W, OW) * near;
            }
            sum += share_of(h, oh, H, OH) * along;
        }
        let to = row * C + c;
        dx[to] = sum.x * activate_grad(x[to]);
        if (c + 1u < C) { dx[to + 1u] = sum.y * activate_grad(x[to + 1u]); }
        if (c + 2u < C) { dx[to + 2u] = sum.z * activate_grad(x[to + 2u]); }
        if (c + 3u < C) { dx[to + 3u] = sum.w * activate_grad(x[to + 3u]); }
    }
}
