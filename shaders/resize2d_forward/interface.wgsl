// y[n, oh, ow, c] = x of image n and channel c where the centre of the pixel lies, (oh + 1/2) · H / OH - 1/2 and likewise for
// ow: between centres of pixels by distance, beyond the outer ones the outer pixel; NEAREST 1: the pixel that the place is in.
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override C: u32;  // channels
override OH: u32; // height of the output
override OW: u32; // width of the output
override NEAREST: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, OH, OW, C)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, H, W, C)
// batch N
// grid COUNT = N * OH * OW * C
// uses resize
// case N=1,H=1,W=1,C=1,OH=1,OW=1
// case N=2,H=3,W=5,C=3,OH=6,OW=7
// case N=2,H=7,W=6,C=5,OH=3,OW=4
// case N=1,H=5,W=4101,C=2,OH=2,OW=3
// case N=1,H=2,W=3,C=2,OH=5,OW=4101
// case N=4101,H=1,W=2,C=1,OH=2,OW=1
// case N=2,H=5,W=4,C=3,OH=7,OW=3,NEAREST=1
// case N=1,H=3,W=4101,C=1,OH=5,OW=11,NEAREST=1
