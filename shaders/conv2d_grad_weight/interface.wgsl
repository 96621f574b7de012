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
