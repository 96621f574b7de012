// forward: y = shares of at most four pixels of x. One thread an element of dx, which gathers what it gave: for each place
// beyond the edges that it fills, and for itself.
// uses index
@compute @workgroup_size(64)
fn random_affine_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * H * W * C) { return; }
    let pixel = i / C; // (n, h, v)
    let image = pixel / (H * W);
    let h = i32(pixel / W % H);
    let v = i32(pixel % W);
    let m = map_of(image);
    let corners = array<vec2<i32>, 4>(place_of(m, 0u, 0u), place_of(m, 0u, OW - 1u), place_of(m, OH - 1u, 0u),
                                      place_of(m, OH - 1u, OW - 1u));
    let least = min(min(corners[0], corners[1]), min(corners[2], corners[3]));
    let most = max(max(corners[0], corners[1]), max(corners[2], corners[3]));
    let down = repetitions(least.x, most.x, i32(H));
    let right = repetitions(least.y, most.y, i32(W));
    var sum = 0.0;
    for (var a = down.x; a <= down.y; a++) {
        let rows = filled_by(h, i32(H), a);
        for (var b = right.x; b <= right.y; b++) {
            let columns = filled_by(v, i32(W), b);
            let near = rows_near(m, rows, columns);
            for (var oh = near.x; oh < near.y; oh++) {
                let along = columns_near(m, u32(oh), rows, columns);
                for (var ow = along.x; ow < along.y; ow++) {
                    let spot = spot_of(place_of(m, u32(oh), u32(ow)));
                    let share = taken(spot.first.x, spot.share.x, rows) * taken(spot.first.y, spot.share.y, columns);
                    if (share > 0.0) { sum += share * dy[((image * OH + u32(oh)) * OW + u32(ow)) * C + i % C]; }
                }
            }
        }
    }
    dx[i] = sum * activate_grad(x[i]);
}
