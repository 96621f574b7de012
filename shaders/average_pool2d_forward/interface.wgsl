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
// case N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0
// case N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
// case N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0
// case N=2,H=7,W=6,C=4,OH=1,OW=1,PH=7,PW=6,SH=1,SW=1,PT=0,PL=0
// case N=1,H=1,W=4101,C=3,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=1,PT=0,PL=0
// case N=1,H=2,W=3,C=4101,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0
