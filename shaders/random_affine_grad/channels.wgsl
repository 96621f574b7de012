// forward: y = shares of at most four pixels of x. One thread four channels of a pixel of dx, for which the pixels of y are
// found once.
// grid QUADS = N * H * W * C / 4
// uses index, gathered
var<private> channels: vec4<u32> = vec4<u32>(0u);
var<private> sum: vec4<f32> = vec4<f32>(0.0);

fn take(share: f32, pixel: u32) {
    let at = pixel * C + channels;
    sum += share * vec4<f32>(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
}

@compute @workgroup_size(64)
fn random_affine_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let quads = (C + 3u) / 4u;
    let quad = thread_x(wid, groups, lid); // (n, h, v, c / 4)
    if (quad >= N * H * W * quads) { return; }
    let pixel = quad / quads;
    let c = quad % quads * 4u;
    channels = min(vec4<u32>(c, c + 1u, c + 2u, c + 3u), vec4<u32>(C - 1u));
    gather(pixel / (H * W), i32(pixel / W % H), i32(pixel % W));
    let to = pixel * C + c;
    dx[to] = sum.x * activate_grad(x[to]);
    if (c + 1u < C) { dx[to + 1u] = sum.y * activate_grad(x[to + 1u]); }
    if (c + 2u < C) { dx[to + 2u] = sum.z * activate_grad(x[to + 2u]); }
    if (c + 3u < C) { dx[to + 3u] = sum.w * activate_grad(x[to + 3u]); }
}
