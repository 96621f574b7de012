// For GPUs: the product [N·OH·OW, KH·KW·CI] × [KH·KW·CI, CO] without ever building its left side. A workgroup computes
// a tile of TILE_ROWS pixels and TILE_CO filters of y, a thread BLOCK × BLOCK elements of it. DEPTH taps at a time are
// staged in workgroup memory; what lies outside the image or beyond the last tap is zero.
// uses guard, index, tile, walk, window
const TILE_ROWS = 32u; // one of 32, 64, 128: pixels of a workgroup
const TILE_CO = 32u; // one of 32, 64, 128: filters of a workgroup
const BLOCK = 4u; // one of 4, 8: pixels and filters of a thread
const DEPTH = 8u; // one of 8, 16, 32: taps (kh, kw, ci) that are staged at a time
const THREADS_X = TILE_CO / BLOCK;
const THREADS_Y = TILE_ROWS / BLOCK;
const X_QUADS = TILE_ROWS / 4u; // vec4s of a staged tap of x
const W_QUADS = TILE_CO / 4u; // and of w
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different taps in different banks
const X_STEP = THREADS / DEPTH; // vec4s of x that are staged side by side
const X_TURNS = (X_QUADS * DEPTH + THREADS - 1u) / THREADS; // and one after the other, by the same thread
const W_STEP = THREADS / W_QUADS; // taps of w that are staged side by side
const W_TURNS = (DEPTH + W_STEP - 1u) / W_STEP; // and one after the other
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [tap][q]: four pixels THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [tap][q]: so too for filters THREADS_X apart

// The windows of the pixels of staged vec4 q.
fn windows(first: u32, q: u32) -> Places {
    let rows = staged_row(first, q) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u);
    return places(clamped4(rows, N * OH * OW, TILE_ROWS)); // (n, oh, ow)
}

fn stage(to: u32, four: Places, tap: vec3<u32>, used: bool) {
    let reach = (tap.x * W + tap.y) * CI + tap.z;
    x_tile[to] = x_at4(four.top + tap.x, four.left + tap.y, four.corner + reach, used);
}

fn w_at(tap: u32, co: u32) -> f32 {
    let inside = within(tap, KH * KW * CI, DEPTH);
    return select(0.0, w[select(0u, tap * CO + co, inside)], inside);
}

fn store(row: u32, co: u32, sum: f32) {
    if (within(co, CO, TILE_CO)) { y[row * CO + co] = activate(sum + b[co]); }
}

fn store_row(row: u32, co: u32, sums: vec4<f32>) {
    if (within(row, N * OH * OW, TILE_ROWS)) {
        store(row, co, sums.x);
        store(row, co + THREADS_X, sums.y);
        store(row, co + 2u * THREADS_X, sums.z);
        store(row, co + 3u * THREADS_X, sums.w);
    }
}

fn store_block(row: u32, co: u32, sums: mat4x4<f32>) {
    store_row(row, co, sums[0]);
    store_row(row + THREADS_Y, co, sums[1]);
    store_row(row + 2u * THREADS_Y, co, sums[2]);
    store_row(row + 3u * THREADS_Y, co, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                  @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_ROWS;
    if (first >= N * OH * OW) { return; }
    let left = wid.x * TILE_CO;
    // What this thread stages. Windows beyond the fourth turn are found again in each round: they take registers.
    let d = index % DEPTH;
    let q = index / DEPTH;
    let windows0 = windows(first, q);
    var windows1 = windows0;
    var windows2 = windows0;
    var windows3 = windows0;
    if (X_TURNS > 1u) { windows1 = windows(first, q + X_STEP); }
    if (X_TURNS > 2u) {
        windows2 = windows(first, q + 2u * X_STEP);
        windows3 = windows(first, q + 3u * X_STEP);
    }
    let wq = index % W_QUADS;
    let co = clamped4(staged_column(left, wq) + THREADS_X * vec4<u32>(0u, 1u, 2u, 3u), CO, TILE_CO);
    // Where a round has one (kh, kw), all threads walk together.
    let together = CI % DEPTH == 0u;
    var place = unfold(select(d, 0u, together), KW, CI); // (kh, kw, ci)
    var s00 = mat4x4<f32>();
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    // All of them. Not said as a constant: FXC would try to write out every round, for many seconds.
    let end = select(0u, KH * KW * CI, left < CO);
    for (var start = 0u; start < end; start += DEPTH) {
        let tap = vec3<u32>(place.xy, place.z + select(0u, d, together));
        let used = within(start + d, KH * KW * CI, DEPTH);
        if (X_QUADS >= X_STEP || q < X_QUADS) { stage(d * X_STRIDE + q, windows0, tap, used); }
        if (X_TURNS > 1u) { stage(d * X_STRIDE + q + X_STEP, windows1, tap, used); }
        if (X_TURNS > 2u) {
            stage(d * X_STRIDE + q + 2u * X_STEP, windows2, tap, used);
            stage(d * X_STRIDE + q + 3u * X_STEP, windows3, tap, used);
        }
        for (var turn = 4u; turn < X_TURNS; turn++) {
            stage(d * X_STRIDE + q + turn * X_STEP, windows(first, q + turn * X_STEP), tap, used);
        }
        for (var turn = 0u; turn < W_TURNS; turn++) {
            let k = index / W_QUADS + turn * W_STEP;
            if (DEPTH >= W_STEP || k < DEPTH) {
                w_tile[k * W_QUADS + wq] = vec4<f32>(
                    w_at(start + k, co.x), w_at(start + k, co.y), w_at(start + k, co.z), w_at(start + k, co.w));
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = x_tile[k * X_STRIDE + lid.y];
            let b = w_tile[k * W_QUADS + lid.x];
            s00 += outer(a, b);
            if (SIDE > 1u) {
                let below = x_tile[k * X_STRIDE + THREADS_Y + lid.y];
                let beside = w_tile[k * W_QUADS + THREADS_X + lid.x];
                s01 += outer(a, beside);
                s10 += outer(below, b);
                s11 += outer(below, beside);
            }
        }
        workgroupBarrier();
        place = walk(place, DEPTH, KW, CI);
    }
    let row = first + lid.y;
    let column = left + lid.x;
    store_block(row, column, s00);
    if (SIDE > 1u) {
        store_block(row, column + 4u * THREADS_X, s01);
        store_block(row + 4u * THREADS_Y, column, s10);
        store_block(row + 4u * THREADS_Y, column + 4u * THREADS_X, s11);
    }
}
