// One thread a pixel, which draws the whole image's change for itself. grid.y is the row.
// uses index
@compute @workgroup_size(64)
fn augment(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
           @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    if (row >= ROWS || id.x >= H * W * C) { return; }
    let y = id.x / (W * C);
    let x = id.x / C % W;
    let channel = id.x % C;
    var value = 0.0;
    if (row < step.rows) {
        value = changed(change(row), row, y, x, channel);
        if (MIXUP == 1u) {
            let other = partner(row);
            value = (1.0 - step.mixed) * value + step.mixed * changed(change(other), other, y, x, channel);
        }
        value = normalized(value, channel);
    }
    image[row * H * W * C + id.x] = value;
}
