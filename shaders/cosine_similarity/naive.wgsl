// One thread a row.
// uses index
@compute @workgroup_size(8)
fn cosine_similarity(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS * POSITIONS) { return; }
    if (row >= rows_in_use()) {
        nothing(row);
        return;
    }
    let weight = weight_of(row);
    let scale = weight / f32(rows_in_use());
    var squares = vec2<f32>();
    for (var c = 0u; c < CLASSES; c++) {
        let pair = vec2<f32>(logits[row * CLASSES + c], target_of(row, c));
        squares += pair * pair;
    }
    let inverse = min(1.0 / sqrt(squares), vec2<f32>(1e7));
    var cosine = 0.0;
    for (var c = 0u; c < CLASSES; c++) { cosine += logits[row * CLASSES + c] * inverse.x * (target_of(row, c) * inverse.y); }
    // Where the norm is held, the output is only scaled.
    let turned = select(0.0, cosine, inverse.x < 1e7);
    for (var c = 0u; c < CLASSES; c++) {
        let along = logits[row * CLASSES + c] * inverse.x * turned;
        dlogits[row * CLASSES + c] = -scale * (target_of(row, c) * inverse.y - along) * inverse.x;
    }
    loss[row] = -weight * cosine;
    hit[row] = agreement(row);
}
