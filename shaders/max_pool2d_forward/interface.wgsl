// y[n, oh, ow, c] = max over the window; argmax = its place in the window, kh · PW + kw, the first of equals.
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
override PT: u32; // rows of padding above: never the maximum
override PL: u32; // columns of padding at the left
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, OH, OW, C)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> argmax: array<u32>; // (N, OH, OW, C)
@group(0) @binding(1) var<storage, read_write> argmax4: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<f32>; // (N, H, W, C) copied
@group(0) @binding(2) var<storage, read> x4: array<vec4<f32>>;
// window OH of H, PH, SH, PT
// window OW of W, PW, SW, PL
// batch N
// grid C, ROWS = N * OH * OW
