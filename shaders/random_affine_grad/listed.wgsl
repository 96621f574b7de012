// forward: y = shares of at most four pixels of x. For CPU adapters, where to find pixels costs more than to add them: one
// thread a pixel of dx lists those of y that took from it, eight at a time, and adds them for all its channels, four at a
// time. Between lists, sums wait in dx.
// needs C % 4 == 0
// grid PIXELS = N * H * W
// uses index, gathered, activate4
const LENGTH = 8u;
var<private> own: u32 = 0u;   // the pixel of dx
var<private> count: u32 = 0u; // of all pixels so far
var<private> shares: array<f32, LENGTH> = array<f32, LENGTH>();
var<private> pixels: array<u32, LENGTH> = array<u32, LENGTH>();

fn take(share: f32, pixel: u32) {
    if (count > 0u && count % LENGTH == 0u) { add_listed(LENGTH, false); }
    shares[count % LENGTH] = share;
    pixels[count % LENGTH] = pixel;
    count++;
}

// Adds the first pixels of the list to what dx has of earlier ones.
fn add_listed(len: u32, last: bool) {
    for (var c = 0u; c < C / 4u; c++) {
        let to = own * (C / 4u) + c;
        var sum = vec4<f32>(0.0);
        if (count > LENGTH) { sum = dx4[to]; }
        for (var n = 0u; n < len; n++) { sum += shares[n] * dy4[pixels[n] * (C / 4u) + c]; }
        if (last) { sum *= activate_grad4(x4[to]); }
        dx4[to] = sum;
    }
}

@compute @workgroup_size(64)
fn random_affine_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    own = thread_x(wid, groups, lid); // (n, h, v)
    if (own >= N * H * W) { return; }
    gather(own / (H * W), i32(own / W % H), i32(own % W));
    add_listed(select(0u, (count - 1u) % LENGTH + 1u, count > 0u), true);
}
