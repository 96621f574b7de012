// forward: y[n, oh, ow, co] = b[co] + Σ x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co],
// where x = activate(z) came from the layer before.
// dx[n, h, w, ci] = activate_grad(x) * Σ_{kh, kw, co} dy[n, (h + PT - kh) / SH, (w + PL - kw) / SW, co] · w[kh, kw, ci, co],
// over the taps whose division is exact and lands inside.
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override CI: u32; // channels of the input
override OH: u32; // height of the output
override OW: u32; // width of the output
override CO: u32; // channels of the output: filters
override KH: u32; // kernel height
override KW: u32; // kernel width
override SH: u32; // vertical stride
override SW: u32; // horizontal stride
override PT: u32; // rows of zeros above
override PL: u32; // columns of zeros at the left
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (N, H, W, CI)
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (N, OH, OW, CO)
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<f32>; // (KH, KW, CI, CO)
@group(0) @binding(2) var<storage, read> w4: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> x: array<f32>; // (N, H, W, CI) activated
@group(0) @binding(3) var<storage, read> x4: array<vec4<f32>>;
// window OH of H, KH, SH, PT
// window OW of W, KW, SW, PL
// batch N
// grid CI, ROWS = N * H * W
// flops 2 * N * OH * OW * CO * KH * KW * CI
// case N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0
// case N=2,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0
// case N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1
// case N=2,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0
// case N=3,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0
// case N=2,H=8,W=8,CI=36,OH=3,OW=3,CO=8,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2
// case N=2,H=2,W=3,CI=12,OH=4,OW=5,CO=12,KH=3,KW=3,SH=1,SW=1,PT=2,PL=2
// case N=5,H=7,W=7,CI=44,OH=7,OW=7,CO=20,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1
// case N=21,H=3,W=2,CI=8,OH=2,OW=2,CO=4,KH=2,KW=1,SH=1,SW=1,PT=0,PL=0
// case N=67,H=3,W=2,CI=4,OH=2,OW=2,CO=8,KH=2,KW=1,SH=1,SW=1,PT=0,PL=0
// case N=1,H=1,W=2,CI=1028,OH=1,OW=2,CO=1028,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0
// case N=1,H=1,W=4101,CI=4,OH=1,OW=4100,CO=1,KH=1,KW=2,SH=1,SW=1,PT=0,PL=0
