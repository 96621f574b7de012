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
// case N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0
// case N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0
// case N=1,H=6,W=6,C=4,OH=4,OW=4,PH=3,PW=3,SH=1,SW=1,PT=0,PL=0
// case N=1,H=1,W=4101,C=4,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=4101,PT=0,PL=0
// case N=1,H=2,W=3,C=4104,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=1,H=1,W=8202,C=1,OH=1,OW=4101,PH=1,PW=2,SH=1,SW=2,PT=0,PL=0
