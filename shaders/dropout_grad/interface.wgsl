// forward: y = x · SCALE where random >= THRESHOLD, else 0, where x = activate(z) came from the layer before.
// dx = dy · SCALE · activate_grad(x) at the same places: the numbers are drawn again, not kept. The same where NOISE is 3;
// where it is 2, dx = dy · (1 + SCALE · g) · activate_grad(x), g of the normal distribution. 1 needs no kernel.
override COUNT: u32;
override STREAM: u32;    // tells the layers of a network apart
override THRESHOLD: u32; // dropped where random < THRESHOLD: rate · 2^32
override SCALE: f32;     // 1 / (1 - rate), or as NOISE says
override SPATIAL: u32 = 1u; // pixels of an image and
override C: u32 = 1u;       // channels, where whole channels are dropped; 1 and 1 drop single elements
override NOISE: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (COUNT)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (COUNT)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (COUNT) activated
// batch COUNT
// grid COUNT
// uses feed, random, gaussian, dropout
// case COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2
// case COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25
// case COUNT=360,STREAM=2,THRESHOLD=2147483648,SCALE=2,SPATIAL=12,C=5
// case COUNT=1601,STREAM=5,THRESHOLD=0,SCALE=0.5,NOISE=2
// case COUNT=1601,STREAM=4,THRESHOLD=858993459,SCALE=0.875,NOISE=3
