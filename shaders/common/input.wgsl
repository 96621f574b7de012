// A value of the feed as a network sees it: bytes as shares of 255, floats as they are; normalized where SCALED.
override FLOATS: u32 = 0u;   // 1: `images` holds f32
override CHANNELS: u32 = 1u;
override SCALED: u32 = 0u;   // 1: GAIN · value + SHIFT of the channel, of which there are at most four
override GAIN0: f32 = 1.0;
override GAIN1: f32 = 1.0;
override GAIN2: f32 = 1.0;
override GAIN3: f32 = 1.0;
override SHIFT0: f32 = 0.0;
override SHIFT1: f32 = 0.0;
override SHIFT2: f32 = 0.0;
override SHIFT3: f32 = 0.0;

// Value number `at` of the chunk.
fn raw(at: u32) -> f32 {
    if (FLOATS == 1u) { return bitcast<f32>(images[at]); }
    return f32((images[at >> 2u] >> (8u * (at & 3u))) & 255u) / 255.0;
}

fn normalized(value: f32, channel: u32) -> f32 {
    if (SCALED == 0u) { return value; }
    var gain = GAIN0;
    var offset = SHIFT0;
    if (channel == 1u) { gain = GAIN1; offset = SHIFT1; }
    if (channel == 2u) { gain = GAIN2; offset = SHIFT2; }
    if (channel == 3u) { gain = GAIN3; offset = SHIFT3; }
    return gain * value + offset;
}
