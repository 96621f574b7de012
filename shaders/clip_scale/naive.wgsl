// One thread, in the order of the splits.
@compute @workgroup_size(1)
fn clip_scale() {
    var sum = 0.0;
    for (var split = 0u; split < SPLITS; split++) {
        sum += partials[split];
    }
    let norm = sqrt(sum);
    scale[0] = select(1.0, CLIPNORM / norm, norm > CLIPNORM);
}
