// One thread sums everything: a batch has a few hundred rows.
@compute @workgroup_size(1)
fn sum_metrics() {
    var losses = 0.0;
    var hits = 0.0;
    for (var row = 0u; row < ROWS; row++) {
        losses += loss[row];
        hits += hit[row];
    }
    let at = 2u * min(step.slot, SLOTS - 1u);
    results[at] = losses;
    results[at + 1u] = hits;
}
