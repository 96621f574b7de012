// Random contrast and brightness of images: each image's own number.
override LEAST: f32;     // the least number
override SPAN: f32;      // the largest minus the least
override LOW: f32;       // values are clipped to LOW and
override HIGH: f32;      // HIGH
override CONTRAST: u32 = 0u; // 1: the number multiplies the distance from the channel's mean; 0: it is added

fn amount(image: u32) -> f32 { return LEAST + SPAN * (f32(random(STREAM, of_step(image, N)) >> 8u) / 16777216.0); }

// A value before it is clipped.
fn toned(value: f32, of_channel: f32, image: u32) -> f32 {
    if (CONTRAST == 1u) { return (value - of_channel) * amount(image) + of_channel; }
    return value + amount(image);
}
