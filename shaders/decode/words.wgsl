// One thread four values: of bytes a word, read once. Rows are whole words, so that a batch may begin at any image.
// needs PIXELS % 4 == 0
// uses index
const TILE_ITEMS = 256u;
// grid ITEMS = ROWS * PIXELS

@compute @workgroup_size(64)
fn decode(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let word = thread_x(wid, groups, lid);
    if (word >= ROWS * PIXELS / 4u) { return; }
    if (word >= step.rows * (PIXELS / 4u)) {
        for (var i = 0u; i < 4u; i++) { image[4u * word + i] = 0.0; }
        return;
    }
    let at = step.first * (PIXELS / 4u) + word;
    if (FLOATS == 1u) {
        for (var i = 0u; i < 4u; i++) {
            image[4u * word + i] = normalized(raw(4u * at + i), (4u * word + i) % CHANNELS);
        }
        return;
    }
    let bytes = images[at];
    for (var i = 0u; i < 4u; i++) {
        image[4u * word + i] = normalized(f32((bytes >> (8u * i)) & 255u) / 255.0, (4u * word + i) % CHANNELS);
    }
}
