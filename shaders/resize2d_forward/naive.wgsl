// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn resize2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                    @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= N * OH * OW * C) { return; }
    let row = i / C; // (n, oh, ow)
    let down = between(row / OW % OH, H, OH);
    let right = between(row % OW, W, OW);
    let image = row / (OH * OW) * H;
    let upper = (image + down.first) * W;
    let left = right.first * C + i % C;
    if (NEAREST == 1u) {
        y[i] = x[upper * C + left];
        return;
    }
    let lower = (image + down.second) * W;
    let next = right.second * C + i % C;
    let above = (1.0 - right.share) * x[upper * C + left] + right.share * x[upper * C + next];
    let below = (1.0 - right.share) * x[lower * C + left] + right.share * x[lower * C + next];
    y[i] = (1.0 - down.share) * above + down.share * below;
}
