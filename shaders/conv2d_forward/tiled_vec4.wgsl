// For GPUs: as `tiled`, but a thread's filters are neighbours, four at a time, so that w and b are loaded and y is
// stored as vec4s. A thread has BLOCK pixels that lie THREADS_Y apart, and BLOCK / 4 quads of filters that lie
// THREADS_X quads apart. DEPTH taps at a time are staged in workgroup memory; what lies outside the image or beyond the
// end is zero.
// needs CO % 4 == 0
// uses index, activate4, tile, window
const TILE_ROWS = 64u; // one of 32, 64, 128: pixels of a workgroup
const TILE_CO = 64u; // one of 32, 64, 128: filters of a workgroup
const BLOCK = 4u; // one of 4, 8: pixels and filters of a thread
const DEPTH = 16u; // one of 8, 16, 32: taps (kh, kw, ci) that are staged at a time
const THREADS_X = TILE_CO / BLOCK;
const THREADS_Y = TILE_ROWS / BLOCK;
const X_QUADS = TILE_ROWS / 4u; // vec4s of a staged tap of x
const W_QUADS = TILE_CO / 4u; // and of w
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different taps in different banks
const X_STEP = THREADS / DEPTH; // vec4s of x that are staged side by side
const X_TURNS = (X_QUADS * DEPTH + THREADS - 1u) / THREADS; // and one after the other, by the same thread
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [tap][q]: four pixels THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [tap][q]: filters 4 q .. 4 q + 3

fn w_at(tap: u32, quad: u32) -> vec4<f32> {
    if (tap < KH * KW * CI && quad < CO / 4u) { return w4[tap * (CO / 4u) + quad]; }
    return vec4<f32>();
}

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    if (row < N * OH * OW && quad < CO / 4u) {
        let z = sums + b4[quad];
        y4[row * (CO / 4u) + quad] = activate4(z);
    }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                  @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_ROWS;
    if (first >= N * OH * OW) { return; }
    let left = wid.x * W_QUADS;
    // What this thread stages.
    let d = index % DEPTH;
    var windows = array<Places, X_TURNS>();
    for (var turn = 0u; turn < X_TURNS; turn++) {
        let q = index / DEPTH + turn * X_STEP;
        let row = staged_row(first, q);
        windows[turn] = places(row + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u)); // (n, oh, ow)
    }
    let wq = index % W_QUADS;
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = 0u; start < KH * KW * CI; start += DEPTH) {
        let tap = start + d; // (kh, kw, ci)
        let kh = select(tap / (KW * CI), 1u << 30u, tap >= KH * KW * CI);
        let kw = tap / CI % KW;
        let reach = (kh * W + kw) * CI + tap % CI;
        for (var turn = 0u; turn < X_TURNS; turn++) {
            let q = index / DEPTH + turn * X_STEP;
            let h = windows[turn].top + kh;
            let v = windows[turn].left + kw;
            let at = windows[turn].corner + reach;
            if (q < X_QUADS) {
                x_tile[d * X_STRIDE + q] = vec4<f32>(
                    x_at(h.x, v.x, at.x), x_at(h.y, v.y, at.y), x_at(h.z, v.z, at.z), x_at(h.w, v.w, at.w));
            }
        }
        for (var k = index / W_QUADS; k < DEPTH; k += THREADS / W_QUADS) {
            w_tile[k * W_QUADS + wq] = w_at(start + k, left + wq);
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            for (var i = 0u; i < SIDE; i++) {
                let a = x_tile[k * X_STRIDE + i * THREADS_Y + lid.y];
                for (var j = 0u; j < SIDE; j++) {
                    sums[i * SIDE + j] += outer(a, w_tile[k * W_QUADS + j * THREADS_X + lid.x]);
                }
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < SIDE; i++) {
        for (var j = 0u; j < SIDE; j++) {
            let row = first + i * 4u * THREADS_Y + lid.y;
            let quad = left + j * THREADS_X + lid.x;
            for (var r = 0u; r < 4u; r++) { store(row + r * THREADS_Y, quad, sums[i * SIDE + j][r]); }
        }
    }
}
