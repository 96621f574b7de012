// One thread a row.
@compute @workgroup_size(8)
fn huber(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
         @builtin(num_workgroups) groups: vec3<u32>) {
    let row = (wid.x + wid.y * groups.x) * 8u + lid.x;
    if (row >= ROWS) { return; }
    if (row >= step.rows) {
        dlogits[row] = 0.0;
        loss[row] = 0.0;
        hit[row] = 0.0;
        return;
    }
    let label = labels[step.first + row];
    var other = label;
    var mixed = 0.0;
    if (MIXUP == 1u) {
        other = labels[step.first + partner(row)];
        mixed = step.mixed;
    }
    let own_weight = (1.0 - mixed) * weights[min(label, CLASSES - 1u)];
    let other_weight = mixed * weights[min(other, CLASSES - 1u)];
    let z = logits[row];
    let own = z - number(label);
    let second = z - number(other);
    loss[row] = own_weight * value(own) + other_weight * value(second);
    dlogits[row] = (own_weight * slope(own) + other_weight * slope(second)) / f32(step.rows);
    hit[row] = select(0.0, 1.0 - mixed, abs(own) < 0.5) + select(0.0, mixed, abs(second) < 0.5);
}

fn value(d: f32) -> f32 { return select(DELTA * (abs(d) - 0.5 * DELTA), 0.5 * d * d, abs(d) <= DELTA); }

fn slope(d: f32) -> f32 { return clamp(d, -DELTA, DELTA); }
