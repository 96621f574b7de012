// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [KH·KW·CI + 1, pixels] × [pixels, CO] over the output pixels of one split's images; the row
// after the last tap meets ones instead of x, which makes it db. A workgroup computes a tile of TILE_TAPS taps and
// TILE_CO filters, a thread BLOCK × BLOCK elements of it. DEPTH pixels at a time are staged in workgroup memory; what lies
// outside the image or beyond the last pixel is zero.
// uses guard, tile, walk, window
const TILE_TAPS = 32u; // one of 32, 64, 128: taps (kh, kw, ci) of a workgroup
const TILE_CO = 32u; // one of 32, 64, 128: filters of a workgroup
const BLOCK = 4u; // one of 4, 8: taps and filters of a thread
const DEPTH = 8u; // one of 8, 16, 32: output pixels that are staged at a time
const THREADS_X = TILE_CO / BLOCK;
const THREADS_Y = TILE_TAPS / BLOCK;
const X_QUADS = TILE_TAPS / 4u; // vec4s of a staged pixel of x
const DY_QUADS = TILE_CO / 4u; // and of dy
const X_STEP = min(THREADS / X_QUADS, DEPTH); // pixels of x that are staged side by side
const DY_STEP = min(THREADS / DY_QUADS, DEPTH); // and of dy
const_assert 16u * DEPTH * (X_QUADS + DY_QUADS) <= 16384u;
// [pixel][q]: four taps THREADS_Y apart, the first by `staged_row`.
// Writers are neighbours, so no row needs padding.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_QUADS>;
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_QUADS>; // [pixel][q]: so too for filters THREADS_X apart

// Of every split, whether a pixel of a round is one of its own.
fn own(pixel: u32, end: u32) -> bool {
    return (N * OH * OW % DEPTH == 0u && PER * OH * OW % DEPTH == 0u) || pixel < end;
}

fn dy_at(pixel: u32, co: u32, used: bool) -> f32 {
    return select(0.0, dy[select(0u, pixel * CO + co, used)], used);
}

fn store(row: u32, co: u32, sum: f32) {
    if (within(co, CO, TILE_CO)) { partials[row * CO + co] = sum; }
}

fn store_row(split: u32, tap: u32, co: u32, sums: vec4<f32>) {
    let rows = KH * KW * CI + 1u;
    if (within(tap, rows, TILE_TAPS)) {
        let row = split * rows + tap;
        store(row, co, sums.x);
        store(row, co + THREADS_X, sums.y);
        store(row, co + 2u * THREADS_X, sums.z);
        store(row, co + 3u * THREADS_X, sums.w);
    }
}

fn store_block(split: u32, tap: u32, co: u32, sums: mat4x4<f32>) {
    store_row(split, tap, co, sums[0]);
    store_row(split, tap + THREADS_Y, co, sums[1]);
    store_row(split, tap + 2u * THREADS_Y, co, sums[2]);
    store_row(split, tap + 3u * THREADS_Y, co, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                      @builtin(workgroup_id) wid: vec3<u32>) {
    let split = wid.z;
    if (split >= SPLITS) { return; }
    // The taps that this thread stages: how far each lies from the corner of a window. Those behind the row of db are not
    // stored.
    let xq = index % X_QUADS;
    let tap = staged_row(wid.y * TILE_TAPS, xq) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u); // (kh, kw, ci)
    let taps = vec4<u32>(KH * KW * CI);
    let near = min(tap, taps - 1u);
    let kh = near / (KW * CI);
    let kw = near / CI % KW;
    let reach = (kh * W + kw) * CI + near % CI;
    let dq = index % DY_QUADS;
    let co = clamped4(staged_column(wid.x * TILE_CO, dq) + THREADS_X * vec4<u32>(0u, 1u, 2u, 3u), CO, TILE_CO);
    let begin = split * PER * OH * OW;
    let end = min((split + 1u) * PER, N) * OH * OW;
    var walked = unfold(begin + index / X_QUADS, OH, OW); // (n, oh, ow)
    var s00 = mat4x4<f32>();
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    for (var start = begin; start < end; start += DEPTH) {
        for (var turn = 0u; turn < DEPTH / X_STEP; turn++) {
            let d = index / X_QUADS + turn * X_STEP;
            let top = walked.y * SH - PT;
            let left = walked.z * SW - PL;
            let at = ((walked.x * H + top) * W + left) * CI + reach;
            if (THREADS <= X_QUADS * DEPTH || d < DEPTH) {
                let seen = x_at4(top + kh, left + kw, at, own(start + d, end));
                x_tile[d * X_QUADS + xq] = select(seen, vec4<f32>(1.0), tap == taps);
            }
            walked = walk(walked, X_STEP, OH, OW);
        }
        for (var turn = 0u; turn < DEPTH / DY_STEP; turn++) {
            let d = index / DY_QUADS + turn * DY_STEP;
            let used = own(start + d, end);
            if (THREADS <= DY_QUADS * DEPTH || d < DEPTH) {
                dy_tile[d * DY_QUADS + dq] = vec4<f32>(
                    dy_at(start + d, co.x, used), dy_at(start + d, co.y, used),
                    dy_at(start + d, co.z, used), dy_at(start + d, co.w, used));
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = x_tile[k * X_QUADS + lid.y];
            let b = dy_tile[k * DY_QUADS + lid.x];
            s00 += outer(a, b);
            if (SIDE > 1u) {
                let below = x_tile[k * X_QUADS + THREADS_Y + lid.y];
                let beside = dy_tile[k * DY_QUADS + THREADS_X + lid.x];
                s01 += outer(a, beside);
                s10 += outer(below, b);
                s11 += outer(below, beside);
            }
        }
        workgroupBarrier();
    }
    let row = wid.y * TILE_TAPS + lid.y;
    let column = wid.x * TILE_CO + lid.x;
    store_block(split, row, column, s00);
    if (SIDE > 1u) {
        store_block(split, row, column + 4u * THREADS_X, s01);
        store_block(split, row + 4u * THREADS_Y, column, s10);
        store_block(split, row + 4u * THREADS_Y, column + 4u * THREADS_X, s11);
    }
}
