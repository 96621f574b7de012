// image = values of the batch, bytes in [0, 1], normalized where asked for; rows beyond the batch are zero.
override ROWS: u32;   // images a batch
override PIXELS: u32; // values an image
@group(0) @binding(0) var<storage, read_write> image: array<f32>; // (ROWS, PIXELS)
// batch ROWS
// feed images (PIXELS) bytes, f32 where FLOATS
// grid PIXELS, ROWS
// uses feed, input
// case ROWS=1,PIXELS=1
// case ROWS=3,PIXELS=7
// case ROWS=5,PIXELS=784
// case ROWS=2,PIXELS=64
// case ROWS=3,PIXELS=7,FLOATS=1
// case ROWS=6,PIXELS=12,FLOATS=1
// case ROWS=5,PIXELS=48,CHANNELS=3,SCALED=1,GAIN0=4.5,GAIN1=0.25,GAIN2=-2,SHIFT0=-2.25,SHIFT1=1.5,SHIFT2=0.125
// case ROWS=4,PIXELS=10,CHANNELS=2,SCALED=1,GAIN0=3.25,SHIFT1=-7,FLOATS=1
// case ROWS=7,PIXELS=16,CHANNELS=4,SCALED=1,GAIN2=0.5,GAIN3=8,SHIFT2=0.75,SHIFT3=-1.5,FLOATS=1
// case ROWS=2,PIXELS=12300
