// forward: y[n, oh, ow, c] = Σ share(h, v) · x[n, h, v, c] over the four pixels around the place that the image's random affine
// map gives to (oh, ow), where x = activate(z).
// dx[n, h, v, c] = Σ share(h, v) · dy[n, oh, ow, c] * activate_grad(x), over the pixels of y in a fixed order. The map is drawn
// again, not kept.
override N: u32;  // images
override H: u32;  // height of the input
override W: u32;  // width of the input
override C: u32;  // channels
override OH: u32; // height of the output: less than H only where CROP is 1
override OW: u32; // width of the output
override STREAM: u32; // tells the layers of a network apart
@group(0) @binding(0) var<storage, read_write> dx: array<f32>; // (N, H, W, C)
@group(0) @binding(1) var<storage, read> dy: array<f32>; // (N, OH, OW, C)
@group(0) @binding(2) var<storage, read> x: array<f32>; // (N, H, W, C) activated
@group(0) @binding(0) var<storage, read_write> dx4: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy4: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x4: array<vec4<f32>>;
// batch N
// grid COUNT = N * H * W * C
// uses feed, random, affine
// case N=1,H=1,W=1,C=1,OH=1,OW=1,STREAM=0,FLIP=3
// case N=9,H=4,W=5,C=3,OH=4,OW=5,STREAM=1,FLIP=1
// case N=5,H=5,W=4,C=1,OH=5,OW=4,STREAM=2,FLIP=2
// case N=7,H=6,W=9,C=6,OH=6,OW=9,STREAM=3,TURN=751619277,TURNS=644245094,FILL=2
// case N=5,H=9,W=7,C=3,OH=9,OW=7,STREAM=4,TURNS=1073741824,FILL=0,VALUE=-1.5
// case N=4,H=3,W=11,C=1,OH=3,OW=11,STREAM=5,TURNS=1073741824,FILL=3,NEAREST=1
// case N=5,H=11,W=3,C=1,OH=11,OW=3,STREAM=5,TURNS=1073741824,FILL=1
// case N=6,H=8,W=5,C=2,OH=8,OW=5,STREAM=6,TALL=268435456,TALLS=536870912,TIED=1,FILL=2
// case N=6,H=6,W=7,C=1,OH=6,OW=7,STREAM=7,TALL=5368709,TALLS=1068372787,WIDE=429496730,WIDES=644245094,FILL=1
// case N=6,H=5,W=6,C=3,OH=5,OW=6,STREAM=8,DOWN=4286578688,DOWNS=25165824,RIGHT=4269801472,RIGHTS=50331648,FILL=3
// case N=4,H=6,W=5,C=2,OH=6,OW=5,STREAM=9,DOWN=4269801472,DOWNS=50331648,RIGHT=4286578688,RIGHTS=16777216,FILL=1,NEAREST=1
// case N=3,H=7,W=6,C=2,OH=4,OW=5,STREAM=10,CROP=1,DOWNS=4,RIGHTS=2
// case N=1,H=4101,W=2,C=1,OH=4101,OW=2,STREAM=11,TURN=1073741,TURNS=1000000,FILL=2
// case N=1,H=2,W=4101,C=1,OH=2,OW=4101,STREAM=12,TALL=536870912,WIDE=482947891,WIDES=107923021,FILL=1
// case N=4101,H=2,W=1,C=1,OH=2,OW=1,STREAM=13,FLIP=2
// case N=3,H=6,W=5,C=8,OH=6,OW=5,STREAM=14,TURN=751619277,TURNS=644245094,FILL=1
// case N=2,H=5,W=7,C=4,OH=5,OW=7,STREAM=15,TALL=53687091,TALLS=5368709,TIED=1,FILL=2
// case N=1,H=3,W=2,C=4100,OH=3,OW=2,STREAM=16,FLIP=3
