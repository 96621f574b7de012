// forward: y[n, oh, ow, co] = b[co] + Σ x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// dw[kh, kw, ci, co] = Σ_{n, oh, ow} x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · dy[n, oh, ow, co], db[co] = Σ dy.
// First of two passes: split s sums the images s·PER .. (s + 1)·PER. The last row of each split is db.
// `sum_partials` adds the splits in order.
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
override SPLITS: u32; // parts of the batch
override PER: u32;    // images a part, rounded up
@group(0) @binding(0) var<storage, read_write> partials: array<f32>; // (SPLITS, KH*KW*CI + 1, CO)
@group(0) @binding(0) var<storage, read_write> partials4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, H, W, CI)
@group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dy: array<f32>; // (N, OH, OW, CO)
@group(0) @binding(2) var<storage, read> dy4: array<vec4<f32>>;
// window OH of H, KH, SH, PT
// window OW of W, KW, SW, PL
// batch N
// splits N
// grid CO, TAPS = KH * KW * CI + 1, SPLITS
// flops 2 * N * OH * OW * CO * KH * KW * CI
// case N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1
// case N=3,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2
// case N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1,SPLITS=3,PER=1
// case N=5,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0,SPLITS=3,PER=2
// case N=4,H=12,W=12,CI=1,OH=10,OW=10,CO=32,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2
// case N=4,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2
// case N=2,H=8,W=8,CI=8,OH=3,OW=3,CO=36,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2,SPLITS=4,PER=1
// case N=1030,H=2,W=2,CI=4,OH=1,OW=1,CO=4,KH=2,KW=2,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=515
// case N=1,H=1,W=4101,CI=4,OH=1,OW=4100,CO=4,KH=1,KW=2,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1
// case N=1,H=1,W=2,CI=1028,OH=1,OW=2,CO=1028,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1
