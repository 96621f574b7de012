// One thread a row.
// uses index
@compute @workgroup_size(8)
fn kl_divergence(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                 @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS * POSITIONS) { return; }
    if (row >= rows_in_use()) {
        nothing(row);
        return;
    }
    let weight = weight_of(row);
    let scale = weight / f32(rows_in_use());
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        let p = logits[row * CLASSES + c];
        let held = clamp(p, 1e-7, 1.0);
        let share = clamp(target_of(row, c), 1e-7, 1.0);
        sum += share * (log(share) - log(held));
        dlogits[row * CLASSES + c] = select(0.0, -scale * share / held, p == held);
    }
    loss[row] = weight * sum;
    hit[row] = agreement(row);
}
