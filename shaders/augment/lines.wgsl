// One thread a line of an image: the change is drawn once for all its pixels, which on CPU adapters costs as much as they do.
// grid LINES = ROWS * H

@compute @workgroup_size(64)
fn augment(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
           @builtin(num_workgroups) groups: vec3<u32>) {
    let line = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (line >= ROWS * H) { return; }
    let row = line / H;
    let y = line % H;
    if (row >= step.rows) {
        for (var i = 0u; i < W * C; i++) { image[line * W * C + i] = 0.0; }
        return;
    }
    let own = change(row);
    var other = own;
    var second = row;
    if (MIXUP == 1u) {
        second = partner(row);
        other = change(second);
    }
    for (var i = 0u; i < W * C; i++) {
        var value = changed(own, row, y, i / C, i % C);
        if (MIXUP == 1u) {
            value = (1.0 - step.mixed) * value + step.mixed * changed(other, second, y, i / C, i % C);
        }
        image[line * W * C + i] = normalized(value, i % C);
    }
}
