// A row of a loss that takes the label as a number. The interface says which by `distance_of` and its derivative `slope_of`:
// loss[r] = w · distance_of(d), where d = logits[r] - label, and w the weight of the label's class times that of the
// example; the last weight of a class is that
// of all classes behind it. hit[r] = 1 where |d| < 0.5: the output rounds to the label.
// dlogits[r] = w · slope_of(d) / rows: the gradient of the batch's mean loss. With mixup, `step.mixed` of the same for the
// partner's label, and the rest of this. Rows beyond the batch are zero everywhere.
fn regress(row: u32) {
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
    let own = z - number(label);
    let second = z - number(other);
    loss[row] = own_weight * distance_of(own) + other_weight * distance_of(second);
    dlogits[row] = (own_weight * slope_of(own) + other_weight * slope_of(second)) / f32(rows_in_use());
    hit[row] = select(0.0, 1.0 - mixed, abs(own) < 0.5) + select(0.0, mixed, abs(second) < 0.5);
}
