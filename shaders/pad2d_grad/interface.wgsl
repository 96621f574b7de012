// forward: y[n, h + PT, w + PL, c] = x[n, h, w, c], where x = activate(z).
// dx[n, h, w, c] = dy[n, h + PT, w + PL, c] * activate_grad(x)
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override C: u32;  // channels
override OH: u32; // height of the output
override OW: u32; // width of the output
override PT: u32; // rows of zeros above
override PL: u32; // columns of zeros at the left
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (N, H, W, C)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (N, OH, OW, C)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (N, H, W, C) activated
// batch N
// grid COUNT = N * H * W * C
// case N=1,H=1,W=1,C=1,OH=1,OW=1,PT=0,PL=0
// case N=2,H=3,W=5,C=3,OH=6,OW=7,PT=1,PL=2
// case N=1,H=1,W=4101,C=3,OH=2,OW=4104,PT=1,PL=2
