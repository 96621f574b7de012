// image = values of the batch, bytes in [0, 1], each image changed at random, mixed with another, and normalized where
// asked for; rows beyond the batch are zero. What is 0 costs nothing: the sizes are constants to the driver's compiler.
override ROWS: u32;   // images a batch
override H: u32;
override W: u32;
override C: u32;
override FLIP: u32 = 0u;         // mirrored where random < FLIP: probability · 2^32
override SHIFT: u32 = 0u;        // pixels, down and right; zeros come in
override ROTATE: f32 = 0.0;      // radians
override ZOOM: f32 = 0.0;        // scale of 1 ± ZOOM
override BRIGHTNESS: f32 = 0.0;  // a factor of 1 ± BRIGHTNESS
override CONTRAST: f32 = 0.0;    // the distance from mid-grey times 1 ± CONTRAST
override ERASE: u32 = 0u;        // a rectangle becomes noise where random < ERASE: probability · 2^32
override MIXUP: u32 = 0u;        // 1: the share `step.mixed` of another image of the batch
@group(0) @binding(0) var<storage, read_write> image: array<f32>; // (ROWS, H, W, C)
// batch ROWS
// feed images (H, W, C) bytes, f32 where FLOATS
// grid PIXELS = H * W * C, ROWS
