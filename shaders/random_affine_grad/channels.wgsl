// forward: y = shares of at most four pixels of x. One thread a pixel of dx and four of its channels at a time, for which the
// pixels of y are found once.
// grid PIXELS = N * H * W
// uses index
@compute @workgroup_size(64)
fn random_affine_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let pixel = thread_x(wid, groups, lid); // (n, h, v)
    if (pixel >= N * H * W) { return; }
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
    for (var c = 0u; c < C; c += 4u) {
        let channel = min(vec4<u32>(c, c + 1u, c + 2u, c + 3u), vec4<u32>(C - 1u));
        var sum = vec4<f32>(0.0);
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
                        if (share > 0.0) {
                            let at = vec4<u32>(((image * OH + u32(oh)) * OW + u32(ow)) * C) + channel;
                            sum += share * vec4<f32>(dy[at.x], dy[at.y], dy[at.z], dy[at.w]);
                        }
                    }
                }
            }
        }
        let to = pixel * C + c;
        dx[to] = sum.x * activate_grad(x[to]);
        if (c + 1u < C) { dx[to + 1u] = sum.y * activate_grad(x[to + 1u]); }
        if (c + 2u < C) { dx[to + 2u] = sum.z * activate_grad(x[to + 2u]); }
        if (c + 3u < C) { dx[to + 3u] = sum.w * activate_grad(x[to + 3u]); }
    }
}
