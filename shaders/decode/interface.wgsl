// image = values of the batch, bytes in [0, 1], normalized where asked for; rows beyond the batch are zero.
override ROWS: u32;   // images a batch
override PIXELS: u32; // values an image
@group(0) @binding(0) var<storage, read_write> image: array<f32>; // (ROWS, PIXELS)
// batch ROWS
// feed images (PIXELS) bytes, f32 where FLOATS
// grid PIXELS, ROWS
