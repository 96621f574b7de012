// A row of a loss that compares vectors, which labels hold as f32. Its mixture with the partner's, if MIXUP, is the target.
fn target_of(row: u32, c: u32) -> f32 {
    let own = number(labels[first_label(row, CLASSES) + c]);
    if (MIXUP == 0u) { return own; }
    return (1.0 - step.mixed) * own + step.mixed * number(labels[first_label(partner_of(row), CLASSES) + c]);
}

// 1 where the first largest number of the output stands where that of the target does.
fn agreement(row: u32) -> f32 {
    var place = vec2<u32>();
    for (var c = 1u; c < CLASSES; c++) {
        if (logits[row * CLASSES + c] > logits[row * CLASSES + place.x]) { place.x = c; }
        if (target_of(row, c) > target_of(row, place.y)) { place.y = c; }
    }
    return select(0.0, 1.0, place.x == place.y);
}

fn nothing(row: u32) {
    for (var c = 0u; c < CLASSES; c++) { dlogits[row * CLASSES + c] = 0.0; }
    loss[row] = 0.0;
    hit[row] = 0.0;
}
