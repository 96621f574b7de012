// Convolution by groups, or with gaps between its taps; depthwise where a group is one channel. Filter co is of group
// g = co / COG and sees that group's channels alone.
// y[n, oh, ow, co] = activate(b[co] + Σ_{kh, kw, i} x[n, oh·SH + kh·DH - PT, ow·SW + kw·DW - PL, g·CIG + i] · w[kh, kw, i, co])
override N: u32;   // images
override H: u32;   // height of the input
override W: u32;   // width of the input
override CI: u32;  // channels of the input
override OH: u32;  // height of the output
override OW: u32;  // width of the output
override CO: u32;  // channels of the output: filters
override KH: u32;  // kernel height
override KW: u32;  // kernel width
override SH: u32;  // vertical stride
override SW: u32;  // horizontal stride
override DH: u32;  // rows from one tap to the next
override DW: u32;  // columns from one tap to the next
override PT: u32;  // rows of zeros above
override PL: u32;  // columns of zeros at the left
override CIG: u32; // channels of the input of a group
override COG: u32; // filters of a group
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, OH, OW, CO)
@group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, H, W, CI)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<f32>; // (KH, KW, CIG, CO)
@group(0) @binding(2) var<storage, read> w4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> b: array<f32>; // (CO)
@group(0) @binding(3) var<storage, read> b4: array<vec4<f32>>;
// window OH of H, KH, SH, PT, DH
// window OW of W, KW, SW, PL, DW
// batch N
// grid COUNT = N * OH * OW * CO
// flops 2 * N * OH * OW * CO * KH * KW * CIG
// case N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1
// case N=3,H=7,W=6,CI=8,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,DH=1,DW=1,PT=1,PL=1,CIG=1,COG=1
// case N=3,H=7,W=6,CI=4,OH=4,OW=3,CO=8,KH=3,KW=2,SH=2,SW=2,DH=1,DW=1,PT=1,PL=0,CIG=1,COG=2
// case N=3,H=9,W=8,CI=3,OH=5,OW=6,CO=5,KH=3,KW=2,SH=1,SW=1,DH=2,DW=2,PT=0,PL=0,CIG=3,COG=5
// case N=3,H=9,W=8,CI=6,OH=4,OW=4,CO=9,KH=3,KW=3,SH=2,SW=2,DH=2,DW=2,PT=1,PL=2,CIG=2,COG=3
// case N=1,H=2,W=3,CI=2056,OH=2,OW=3,CO=4,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1028,COG=2
// case N=1,H=1,W=3,CI=4101,OH=1,OW=2,CO=4101,KH=1,KW=2,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1
