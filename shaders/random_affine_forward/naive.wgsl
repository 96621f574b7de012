// One thread an element of y, which draws the map of its image for itself.
// uses index
@compute @workgroup_size(64)
fn random_affine_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * OH * OW * C) { return; }
    let pixel = i / C; // (n, oh, ow)
    let image = pixel / (OH * OW);
    let spot = spot_of(place_of(map_of(image), pixel / OW % OH, pixel % OW));
    let h = spot.first.x;
    let v = spot.first.y;
    let c = i % C;
    if (NEAREST == 1u) {
        y[i] = tap(image, h, v, c);
        return;
    }
    let above = (1.0 - spot.share.y) * tap(image, h, v, c) + spot.share.y * tap(image, h, v + 1, c);
    let below = (1.0 - spot.share.y) * tap(image, h + 1, v, c) + spot.share.y * tap(image, h + 1, v + 1, c);
    y[i] = (1.0 - spot.share.x) * above + spot.share.x * below;
}
