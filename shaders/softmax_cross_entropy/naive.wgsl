// One thread a row.
// uses index
// The class of a row: a whole number, or one in a float.
fn class_of(row: u32) -> u32 {
    let label = label_of(row);
    return select(label, min(u32(bitcast<f32>(label)), CLASSES - 1u), REAL == 1u);
}

@compute @workgroup_size(8)
fn softmax_cross_entropy(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS * POSITIONS) { return; }
    let at = row * CLASSES;
    if (row >= rows_in_use()) {
        for (var c = 0u; c < CLASSES; c++) { dlogits[at + c] = 0.0; }
        loss[row] = 0.0;
        hit[row] = 0.0;
        return;
    }
    let label = class_of(row);
    var other = label;
    var mixed = 0.0;
    var other_example = 1.0;
    if (MIXUP == 1u) {
        other = class_of(partner_of(row));
        other_example = weight_of(partner_of(row));
        mixed = step.mixed;
    }
    let own_weight = (1.0 - mixed) * weights[label] * weight_of(row);
    let other_weight = mixed * weights[other] * other_example;
    let total = own_weight + other_weight;

    var top = logits[at];
    var first = 0u;
    for (var c = 1u; c < CLASSES; c++) {
        if (logits[at + c] > top) {
            top = logits[at + c];
            first = c;
        }
    }
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) { sum += exp(logits[at + c] - top); }
    let scale = 1.0 / f32(rows_in_use());
    var met = 0.0; // Σ t · (logits - top)
    for (var c = 0u; c < CLASSES; c++) {
        let z = logits[at + c] - top;
        var target_share = select(0.0, own_weight, c == label) + select(0.0, other_weight, c == other);
        if (SMOOTHING > 0.0) {
            target_share = (1.0 - SMOOTHING) * target_share + SMOOTHING / f32(CLASSES) * total;
        }
        if (target_share > 0.0) { met += target_share * z; }
        dlogits[at + c] = (total * (exp(z) / sum) - target_share) * scale;
    }
    loss[row] = total * log(sum) - met;
    hit[row] = select(0.0, 1.0 - mixed, first == label) + select(0.0, mixed, first == other);
}
