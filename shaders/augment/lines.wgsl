// One thread a line of an image: the change is drawn once for all its pixels, which on CPU adapters costs as much as they do.
// grid LINES = ROWS * H
// uses index

@compute @workgroup_size(64)
fn augment(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
           @builtin(num_workgroups) groups: vec3<u32>) {
    let line = thread_x(wid, groups, lid);
    if (line >= ROWS * H) { return; }
    let row = line / H;
    let y = line % H;
    if (row >= step.rows) {
        for (var i = 0u; i < W * C; i++) { image[line * W * C + i] = 0.0; }
        return;
    }
    // One change after the other, in a loop: with both written out SwiftShader compiles for minutes.
    for (var part = 0u; part <= MIXUP; part++) {
        var source = row;
        if (part == 1u) { source = partner(row); }
        let drawn = change(source);
        for (var i = 0u; i < W * C; i++) {
            let at = line * W * C + i;
            var value = changed(drawn, source, y, i / C, i % C);
            if (MIXUP == 1u) {
                if (part == 0u) { value = (1.0 - step.mixed) * value; } else { value = image[at] + step.mixed * value; }
            }
            if (part == MIXUP) { value = normalized(value, i % C); }
            image[at] = value;
        }
    }
}
