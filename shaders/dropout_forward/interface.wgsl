// y = x / (1 - rate) where a random number says keep, else 0 (Srivastava et al., 2014; inverted form). NOISE says what else:
// 1: y = x + SCALE · g, 2: y = x · (1 + SCALE · g), g of the normal distribution; 3: y = SCALE · x + SHIFT, or LEAST where
// dropped (alpha dropout: Klambauer et al., 2017).
override COUNT: u32;
override STREAM: u32;    // tells the layers of a network apart
override THRESHOLD: u32; // dropped where random < THRESHOLD: rate · 2^32
override SCALE: f32;     // 1 / (1 - rate), or as NOISE says
override SPATIAL: u32 = 1u; // pixels of an image and
override C: u32 = 1u;       // channels, where whole channels are dropped; 1 and 1 drop single elements
override NOISE: u32 = 0u;
override SHIFT: f32 = 0.0;
override LEAST: f32 = 0.0;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (COUNT)
// batch COUNT
// grid COUNT
// uses feed, random, gaussian, dropout
// case COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2
// case COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25
// case COUNT=360,STREAM=2,THRESHOLD=2147483648,SCALE=2,SPATIAL=12,C=5
// case COUNT=1601,STREAM=3,THRESHOLD=0,SCALE=0.25,NOISE=1
// case COUNT=1601,STREAM=5,THRESHOLD=0,SCALE=0.5,NOISE=2
// case COUNT=1601,STREAM=4,THRESHOLD=858993459,SCALE=0.875,NOISE=3,SHIFT=0.3125,LEAST=-1.25

// y of element i.
fn noisy(i: u32) -> f32 {
    if (NOISE == 1u) { return x[i] + SCALE * gaussian(STREAM, of_step(i, COUNT)); }
    if (NOISE == 3u) { return select(x[i] * SCALE + SHIFT, LEAST, dropped(i)); }
    return select(x[i] * factor(i), 0.0, dropped(i));
}
