// One thread, in the order of the splits.
@compute @workgroup_size(1)
fn add_penalty() {
    var sum = 0.0;
    for (var split = 0u; split < SPLITS; split++) { sum += partials[split]; }
    let at = 2u * min(step.slot, SLOTS - 1u);
    results[at] = results[at] + f32(step.rows) * sum;
}
