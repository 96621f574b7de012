// One thread a row.
// uses index
// The share of "1" in a label: 0 or 1, or any number where labels are f32.
fn share_of(label: u32) -> f32 { return select(select(0.0, 1.0, label == 1u), number(label), REAL == 1u); }

@compute @workgroup_size(8)
fn binary_cross_entropy(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups) * 8u + lid.x;
    if (row >= ROWS * POSITIONS) { return; }
    if (row >= rows_in_use()) {
        dlogits[row] = 0.0;
        loss[row] = 0.0;
        hit[row] = 0.0;
        return;
    }
    let label = label_of(row);
    var other = label;
    var mixed = 0.0;
    var other_example = 1.0;
    if (MIXUP == 1u) {
        other = label_of(partner_of(row));
        other_example = weight_of(partner_of(row));
        mixed = step.mixed;
    }
    let own_weight = (1.0 - mixed) * weights[min(label, CLASSES - 1u)] * weight_of(row);
    let other_weight = mixed * weights[min(other, CLASSES - 1u)] * other_example;
    let z = logits[row];
    let total = own_weight + other_weight;
    let ones = own_weight * share_of(label) + other_weight * share_of(other);
    let target_share = (1.0 - SMOOTHING) * ones + 0.5 * SMOOTHING * total;
    // exp of nothing above zero: no overflow.
    let small = exp(-abs(z));
    loss[row] = total * (max(z, 0.0) + log(1.0 + small)) - target_share * z;
    let p = select(small, 1.0, z >= 0.0) / (1.0 + small);
    dlogits[row] = (total * p - target_share) / f32(rows_in_use());
    let one = z > 0.0;
    hit[row] = select(0.0, 1.0 - mixed, one == (share_of(label) > 0.5)) + select(0.0, mixed, one == (share_of(other) > 0.5));
}
