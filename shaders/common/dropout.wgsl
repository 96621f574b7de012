// Layers that act in training only. True if element i is dropped. Where whole channels are dropped, the pixels of a channel
// share one random number; where numbers of the normal distribution are drawn, nothing is dropped.
fn dropped(i: u32) -> bool {
    if (NOISE == 1u || NOISE == 2u) { return false; }
    let at = of_step(i, COUNT);
    return random(STREAM, at / (SPATIAL * C) * C + at % C) < THRESHOLD;
}

// What a kept element is multiplied by.
fn factor(i: u32) -> f32 {
    if (NOISE == 2u) { return 1.0 + SCALE * gaussian(STREAM, of_step(i, COUNT)); }
    return SCALE;
}
