// One thread a value. grid.y is the row.
// uses index
@compute @workgroup_size(64)
fn decode(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let pixel = id.x;
    if (row >= ROWS || pixel >= PIXELS) { return; }
    var value = 0.0;
    if (row < step.rows) {
        value = normalized(raw((step.first + row) * PIXELS + pixel), pixel % CHANNELS);
    }
    image[row * PIXELS + pixel] = value;
}
