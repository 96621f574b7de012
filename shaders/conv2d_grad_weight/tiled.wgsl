// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [KH·KW·CI + 1, pixels] × [pixels, CO] over the output pixels of one split's images; the row
// after the last tap meets ones instead of x, which makes it db. A workgroup computes a tile of TILE_TAPS taps and
// TILE_CO filters, a thread BLOCK × BLOCK elements of it. DEPTH pixels at a time are staged in workgroup memory; what lies
// outside the image or beyond the end is zero.
// uses tile, window
const TILE_TAPS = 32u; // one of 32, 64, 128: taps (kh, kw, ci) of a workgroup
const TILE_CO = 32u; // one of 32, 64, 128: filters of a workgroup
const BLOCK = 4u; // one of 4, 8: taps and filters of a thread
const DEPTH = 8u; // one of 8, 16, 32: output pixels that are staged at a time
const THREADS_X = TILE_CO / BLOCK;
const THREADS_Y = TILE_TAPS / BLOCK;
const X_QUADS = TILE_TAPS / 4u; // vec4s of a staged pixel of x
const DY_QUADS = TILE_CO / 4u; // and of dy
const_assert 16u * DEPTH * (X_QUADS + DY_QUADS) <= 16384u;
// [pixel][q]: four taps THREADS_Y apart, the first by `staged_row`.
// Writers are neighbours, so no row needs padding.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_QUADS>;
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_QUADS>; // [pixel][q]: so too for filters THREADS_X apart

fn dy_at(pixel: u32, end: u32, co: u32) -> f32 {
    if (pixel < end && co < CO) { return dy[pixel * CO + co]; }
    return 0.0;
}

fn store(split: u32, tap: u32, co: u32, sum: f32) {
    let rows = KH * KW * CI + 1u;
    if (tap < rows && co < CO) { partials[(split * rows + tap) * CO + co] = sum; }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                      @builtin(workgroup_id) wid: vec3<u32>) {
    let split = wid.z;
    if (split >= SPLITS) { return; }
    // The taps that this thread stages: how far each lies from the corner of a window. Unsigned: what
    // lies above or left of the image wraps to a large number; the row of db and those behind it get one.
    let xq = index % X_QUADS;
    let x_tap = staged_row(wid.y * TILE_TAPS, xq);
    let tap = x_tap + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u); // (kh, kw, ci)
    let taps = vec4<u32>(KH * KW * CI);
    let kh = select(tap / (KW * CI), vec4<u32>(1u << 30u), tap >= taps);
    let kw = tap / CI % KW;
    let reach = (kh * W + kw) * CI + tap % CI;
    let one = select(vec4<f32>(), vec4<f32>(1.0), tap == taps);
    let dq = index % DY_QUADS;
    let dy_co = staged_column(wid.x * TILE_CO, dq);
    let end = min((split + 1u) * PER, N) * OH * OW;
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = split * PER * OH * OW; start < end; start += DEPTH) {
        for (var d = index / X_QUADS; d < DEPTH; d += THREADS / X_QUADS) {
            let pixel = start + d; // (n, oh, ow)
            let top = select(pixel / OW % OH * SH - PT, 1u << 30u, pixel >= end);
            let left = pixel % OW * SW - PL;
            let h = top + kh;
            let v = left + kw;
            let at = ((pixel / (OH * OW) * H + top) * W + left) * CI + reach;
            x_tile[d * X_QUADS + xq] = one + vec4<f32>(
                x_at(h.x, v.x, at.x), x_at(h.y, v.y, at.y), x_at(h.z, v.z, at.z), x_at(h.w, v.w, at.w));
        }
        for (var d = index / DY_QUADS; d < DEPTH; d += THREADS / DY_QUADS) {
            let pixel = start + d;
            dy_tile[d * DY_QUADS + dq] = vec4<f32>(
                dy_at(pixel, end, dy_co), dy_at(pixel, end, dy_co + THREADS_X),
                dy_at(pixel, end, dy_co + 2u * THREADS_X), dy_at(pixel, end, dy_co + 3u * THREADS_X));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            for (var i = 0u; i < SIDE; i++) {
                let a = x_tile[k * X_QUADS + i * THREADS_Y + lid.y];
                for (var j = 0u; j < SIDE; j++) {
                    sums[i * SIDE + j] += outer(a, dy_tile[k * DY_QUADS + j * THREADS_X + lid.x]);
                }
            }
        }
        workgroupBarrier();
    }
    // One store in a loop: written out, SwiftShader compiles it for minutes.
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let sum = sums[i / 4u * SIDE + j / 4u][i % 4u][j % 4u];
            store(split, wid.y * TILE_TAPS + i * THREADS_Y + lid.y, wid.x * TILE_CO + j * THREADS_X + lid.x, sum);
        }
    }
}
