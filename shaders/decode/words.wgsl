// One thread a word of four pixels, read once. Rows are whole words, so that a batch may begin at any image.
const TILE_ITEMS = 256u;
// grid ITEMS = ROWS * PIXELS

@compute @workgroup_size(64)
fn decode(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let word = (wid.x + wid.y * groups.x) * 64u + lid.x;
    if (word >= ROWS * PIXELS / 4u) { return; }
    var bytes = 0u;
    if (word < step.rows * (PIXELS / 4u)) { bytes = images[step.first * (PIXELS / 4u) + word]; }
    for (var i = 0u; i < 4u; i++) { image[4u * word + i] = f32((bytes >> (8u * i)) & 255u) / 255.0; }
}
