// For GPUs: as `tiled`, but a thread's filters are neighbours, four at a time, so that w and b are loaded and y is
// stored as vec4s. A thread has BLOCK pixels that lie THREADS_Y apart, and BLOCK / 4 quads of filters that lie
// THREADS_X quads apart. DEPTH taps at a time are staged in workgroup memory; what lies outside the image or beyond the
// last tap is zero.
// needs CO % 4 == 0
// uses activate4, guard, im2col, index, tile, turns, walk, window
const TILE_ROWS = 64u; // one of 32, 64, 128: pixels of a workgroup
const TILE_CO = 64u; // one of 32, 64, 128: filters of a workgroup
const BLOCK = 4u; // one of 4, 8: pixels and filters of a thread
const DEPTH = 16u; // one of 8, 16, 32: taps (kh, kw, ci) that are staged at a time
const THREADS_X = TILE_CO / BLOCK;
const THREADS_Y = TILE_ROWS / BLOCK;
const W_QUADS = TILE_CO / 4u; // vec4s of a staged tap of w
const W_STEP = THREADS / W_QUADS; // taps of w that are staged side by side
const W_TURNS = (DEPTH + W_STEP - 1u) / W_STEP; // and one after the other
const_assert 16u * DEPTH * (ROW_STRIDE + W_QUADS) <= 16384u;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [tap][q]: filters 4 q .. 4 q + 3

fn w_at(tap: u32, quad: u32) -> vec4<f32> {
    let inside = within(tap, KH * KW * CI, DEPTH);
    return select(vec4<f32>(), w4[select(0u, tap * (CO / 4u) + quad, inside)], inside);
}

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    if (within(row, N * OH * OW, TILE_ROWS)) {
        let z = sums + b4[quad];
        y4[row * (CO / 4u) + quad] = activate4(z);
    }
}

fn store_block(row: u32, quad: u32, sums: mat4x4<f32>) {
    if (within(quad, CO / 4u, W_QUADS)) {
        store(row, quad, sums[0]);
        store(row + THREADS_Y, quad, sums[1]);
        store(row + 2u * THREADS_Y, quad, sums[2]);
        store(row + 3u * THREADS_Y, quad, sums[3]);
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
    let q = index / DEPTH;
    let kept = kept_of(first, q);
    let wq = index % W_QUADS;
    let quad = clamped(left + wq, CO / 4u, W_QUADS);
    // Where a round has one (kh, kw), all threads walk together.
    let together = CI % DEPTH == 0u;
    var place = unfold(select(d, 0u, together), KW, CI); // (kh, kw, ci)
    var s00 = mat4x4<f32>();
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    // All of them. Not said as a constant: FXC would try to write out every round, for many seconds.
    let end = select(0u, KH * KW * CI, left < CO / 4u);
    for (var start = 0u; start < end; start += DEPTH) {
        let tap = vec3<u32>(place.xy, place.z + select(0u, d, together));
        let used = within(start + d, KH * KW * CI, DEPTH);
        stage_rows(first, q, kept, d, tap, used);
        for (var turn = 0u; turn < W_TURNS; turn++) {
            let k = index / W_QUADS + turn * W_STEP;
            if (DEPTH >= W_STEP || k < DEPTH) { w_tile[k * W_QUADS + wq] = w_at(start + k, quad); }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = row_tile[k * ROW_STRIDE + lid.y];
            let b = w_tile[k * W_QUADS + lid.x];
            s00 += outer(a, b);
            if (SIDE > 1u) {
                let below = row_tile[k * ROW_STRIDE + THREADS_Y + lid.y];
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
        store_block(row, column + THREADS_X, s01);
        store_block(row + 4u * THREADS_Y, column, s10);
        store_block(row + 4u * THREADS_Y, column + THREADS_X, s11);
    }
}
