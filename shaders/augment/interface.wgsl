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
// uses feed, random, mixup, input, augment
// case ROWS=1,H=1,W=1,C=1,FLIP=2147483648,SHIFT=1,ERASE=4294967295
// case ROWS=5,H=7,W=5,C=3
// case ROWS=9,H=7,W=6,C=1,FLIP=2147483648,SHIFT=2
// case ROWS=9,H=12,W=9,C=3,ERASE=2147483648
// case ROWS=6,H=11,W=8,C=1,ROTATE=3.1,BRIGHTNESS=0.4
// case ROWS=6,H=8,W=11,C=2,ZOOM=0.5,CONTRAST=0.9
// case ROWS=1,H=5,W=5,C=1,MIXUP=1,FLIP=2147483648
// case ROWS=13,H=28,W=28,C=1,FLIP=2147483648,SHIFT=2,ROTATE=0.2,ZOOM=0.1,BRIGHTNESS=0.2,CONTRAST=0.2,ERASE=1073741824,MIXUP=1
// case ROWS=128,H=28,W=28,C=1,FLIP=2147483648,SHIFT=2,ERASE=1073741824
// case ROWS=6,H=5,W=7,C=3,FLIP=2147483648,SHIFT=1,SCALED=1,GAIN0=4.5,GAIN1=0.25,GAIN2=-2,SHIFT0=-2.25,SHIFT1=1.5
// case ROWS=6,H=6,W=5,C=2,ROTATE=0.3,ZOOM=0.1,MIXUP=1,FLOATS=1,SCALED=1,GAIN0=3.5,SHIFT0=-2.25,SHIFT1=1.5
// case ROWS=2,H=3,W=1030,C=1,FLIP=2147483648,SHIFT=1
