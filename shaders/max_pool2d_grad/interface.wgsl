// forward: y[n, oh, ow, c] = x at the window's place argmax[n, oh, ow, c], where x = activate(z).
// dx[n, h, w, c] = activate_grad(x) * Σ dy of the windows whose maximum it was: the gradient of z.
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
override PT: u32; // rows of padding above
override PL: u32; // columns of padding at the left
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (N, H, W, C)
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (N, OH, OW, C)
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> argmax: array<u32>; // (N, OH, OW, C) below PH * PW
@group(0) @binding(2) var<storage, read> argmax4: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> x: array<f32>; // (N, H, W, C) activated
@group(0) @binding(3) var<storage, read> x4: array<vec4<f32>>;
// window OH of H, PH, SH, PT
// window OW of W, PW, SW, PL
// batch N
// grid C, ROWS = N * H * W
// case N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0
// case N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=11,W=11,C=8,OH=5,OW=5,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=7,W=5,C=12,OH=3,OW=3,PH=3,PW=2,SH=3,SW=2,PT=0,PL=0
// case N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0
// case N=1,H=6,W=6,C=4,OH=4,OW=4,PH=3,PW=3,SH=1,SW=1,PT=0,PL=0
// case N=1,H=1,W=4101,C=4,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=4101,PT=0,PL=0
// case N=1,H=2,W=3,C=4104,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=1,H=1,W=8202,C=1,OH=1,OW=4101,PH=1,PW=2,SH=1,SW=2,PT=0,PL=0
