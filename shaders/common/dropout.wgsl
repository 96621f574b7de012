// True if dropout drops element i. Where it drops whole channels, the pixels of a channel share one random number.
fn dropped(i: u32) -> bool { return random(STREAM, i / (SPATIAL * C) * C + i % C) < THRESHOLD; }
