// One thread a pixel of y, which draws the map of its image once for all channels.
// grid PIXELS = N * OH * OW
// uses index
@compute @workgroup_size(64)
fn random_affine_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let pixel = thread_x(wid, groups, lid); // (n, oh, ow)
    if (pixel >= N * OH * OW) { return; }
    let image = pixel / (OH * OW);
    let spot = spot_of(place_of(map_of(image), pixel / OW % OH, pixel % OW));
    let h = spot.first.x;
    let v = spot.first.y;
    for (var c = 0u; c < C; c++) {
        var value = 0.0;
        if (NEAREST == 1u) {
            value = tap(image, h, v, c);
        } else {
            let above = (1.0 - spot.share.y) * tap(image, h, v, c) + spot.share.y * tap(image, h, v + 1, c);
            let below = (1.0 - spot.share.y) * tap(image, h + 1, v, c) + spot.share.y * tap(image, h + 1, v + 1, c);
            value = (1.0 - spot.share.x) * above + spot.share.x * below;
        }
        y[pixel * C + c] = value;
    }
}
