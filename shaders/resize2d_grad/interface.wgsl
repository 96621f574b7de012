// forward: y[n, oh, ow, c] = Σ share(h, oh) · share(v, ow) · x[n, h, v, c], where x = activate(z) and at most two shares of a
// pixel's height and two of its width are not zero.
// dx[n, h, v, c] = Σ share(h, oh) · share(v, ow) · dy[n, oh, ow, c] * activate_grad(x), over the pixels of y in their order.
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override C: u32;  // channels
override OH: u32; // height of the output
override OW: u32; // width of the output
override NEAREST: u32 = 0u;
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (N, H, W, C)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (N, OH, OW, C)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (N, H, W, C) activated
// batch N
// grid COUNT = N * H * W * C
// uses resize
// case N=1,H=1,W=1,C=1,OH=1,OW=1
// case N=2,H=3,W=5,C=3,OH=6,OW=7
// case N=2,H=7,W=6,C=5,OH=3,OW=4
// case N=1,H=5,W=4101,C=2,OH=2,OW=3
// case N=1,H=2,W=3,C=2,OH=5,OW=4101
// case N=4101,H=1,W=2,C=1,OH=2,OW=1
// case N=2,H=5,W=4,C=3,OH=7,OW=3,NEAREST=1
// case N=1,H=3,W=4101,C=1,OH=5,OW=11,NEAREST=1
