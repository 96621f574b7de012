// One thread a row.
@compute @workgroup_size(8)
fn softmax_cross_entropy(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                         @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    let at = row * CLASSES;
    if (row >= step.rows) {
        for (var c = 0u; c < CLASSES; c++) { dlogits[at + c] = 0.0; }
        loss[row] = 0.0;
        hit[row] = 0.0;
        return;
    }
    let label = labels[step.first + row];
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
    let scale = 1.0 / f32(step.rows);
    for (var c = 0u; c < CLASSES; c++) {
        let p = exp(logits[at + c] - top) / sum;
        dlogits[at + c] = (p - select(0.0, 1.0, c == label)) * scale;
    }
    loss[row] = log(sum) - (logits[at + label] - top);
    hit[row] = select(0.0, 1.0, first == label);
}
