// One thread a pixel. grid.y is the row.
@compute @workgroup_size(64)
fn decode(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let row = wid.y + wid.z * groups.y;
    let pixel = id.x;
    if (row >= ROWS || pixel >= PIXELS) { return; }
    var value = 0.0;
    if (row < step.rows) {
        let byte = (step.first + row) * PIXELS + pixel;
        value = f32((images[byte >> 2u] >> (8u * (byte & 3u))) & 255u) / 255.0;
    }
    image[row * PIXELS + pixel] = value;
}
