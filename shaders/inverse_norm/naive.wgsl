// One thread, in the order of the splits.
@compute @workgroup_size(1)
fn inverse_norm() {
    var sum = 0.0;
    for (var split = 0u; split < SPLITS; split++) {
        sum += partials[split];
    }
    scale[0] = 1.0 / (sqrt(sum) + EPSILON);
}
