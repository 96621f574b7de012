// forward: y = shares of at most four pixels of x. One thread an element of dx, which gathers what it gave.
// uses index, gathered
var<private> channel: u32 = 0u;
var<private> sum: f32 = 0.0;

fn take(share: f32, pixel: u32) { sum += share * dy[pixel * C + channel]; }

@compute @workgroup_size(64)
fn random_affine_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * C) { return; }
    let pixel = i / C; // (n, h, v)
    channel = i % C;
    gather(pixel / (H * W), i32(pixel / W % H), i32(pixel % W));
    dx[i] = sum * activate_grad(x[i]);
}
