// y[n, oh, ow, c] = the mean of what the window covers; padding does not count.
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override C: u32;  // channels
override OH: u32; // height of the output
override OW: u32; // width of the output
override PH: u32; // window height
override PW: u32; // window width
override SH: u32; // vertical stride
override SW: u32; // horizontal stride
override PT: u32; // rows of padding above: they do not count
override PL: u32; // columns of padding at the left
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, OH, OW, C)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, H, W, C)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
// window OH of H, PH, SH, PT
// window OW of W, PW, SW, PL
// batch N
// grid COUNT = N * OH * OW * C
