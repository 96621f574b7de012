// forward: y[n, oh, ow, co] += x[n, oh·SH + kh - PT, ow·SW + kw - PL, ci] · w[kh, kw, ci, co].
// For GPUs: the product [N·H·W, KH·KW·CO] × [KH·KW·CO, CI], its left side gathered from the outputs that each pixel
// fed. A workgroup computes a tile of TILE_ROWS pixels and TILE_CI channels of dx, a thread BLOCK × BLOCK elements of it.
// DEPTH places (kh, kw, co) at a time are staged in workgroup memory; what no output used is zero.
// uses guard, index, tile, turns, walk
const TILE_ROWS = 32u; // one of 32, 64, 128: pixels of a workgroup
const TILE_CI = 32u; // one of 32, 64, 128: channels of a workgroup
const BLOCK = 4u; // one of 4, 8: pixels and channels of a thread
const DEPTH = 8u; // one of 8, 16, 32: places (kh, kw, co) that are staged at a time
const THREADS_X = TILE_CI / BLOCK;
const THREADS_Y = TILE_ROWS / BLOCK;
const W_QUADS = TILE_CI / 4u; // vec4s of a staged place of w
const W_STRIDE = W_QUADS + 1u; // one more keeps writers of different places in different banks
const W_TURNS = (W_QUADS * DEPTH + THREADS - 1u) / THREADS; // vec4s of w that a thread stages one after the other
const_assert 16u * DEPTH * (ROW_STRIDE + W_STRIDE) <= 16384u;
// [place][q]: four channels THREADS_X apart, the first by `staged_column`
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_STRIDE>;

// Four pixels: their images, the last rows and columns of the padded image from which they are fed, and where these lie in
// dy if strides are 1.
struct Places { image: vec4<u32>, bottom: vec4<u32>, right: vec4<u32>, corner: vec4<u32> }

// The pixels (n, h, w) of staged vec4 q.
fn places_of(first: u32, q: u32) -> Places {
    let rows = staged_row(first, q) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u);
    let row = clamped4(rows, N * H * W, TILE_ROWS);
    let image = row / (H * W);
    let bottom = row / W % H + PT;
    let right = row % W + PL;
    return Places(image, bottom, right, ((image * OH + bottom) * OW + right) * CO);
}

// The gradients of the outputs whose windows have four pixels at a place; zero where there is none.
fn gathered(four: Places, place: vec3<u32>, used: bool) -> vec4<f32> {
    // Unsigned: what lies above or left of the outputs wraps to a large number.
    let top = four.bottom - place.x;
    let left = four.right - place.y;
    let oh = top / SH;
    let ow = left / SW;
    let fed = (oh * SH == top) & (ow * SW == left) & vec4<bool>(used);
    let inside = (oh < vec4<u32>(OH)) & (ow < vec4<u32>(OW)) & fed;
    let near = four.corner - ((place.x * OW + place.y) * CO - place.z);
    let far = ((four.image * OH + oh) * OW + ow) * CO + place.z;
    let at = select(vec4<u32>(), select(far, near, SH == 1u && SW == 1u), inside);
    return select(vec4<f32>(), vec4<f32>(dy[at.x], dy[at.y], dy[at.z], dy[at.w]), inside);
}

// Where the channels of staged vec4 q begin in w.
fn channels(left: u32, q: u32) -> vec4<u32> {
    return CO * clamped4(staged_column(left, q) + THREADS_X * vec4<u32>(0u, 1u, 2u, 3u), CI, TILE_CI);
}

fn stage_w(to: u32, begins: vec4<u32>, place: vec3<u32>, used: bool) {
    let at = select(vec4<u32>(), begins + ((place.x * KW + place.y) * CI * CO + place.z), used);
    w_tile[to] = select(vec4<f32>(), vec4<f32>(w[at.x], w[at.y], w[at.z], w[at.w]), used);
}

fn store(row: u32, ci: u32, sum: f32) {
    if (within(ci, CI, TILE_CI)) {
        let at = row * CI + ci;
        dx[at] = sum * activate_grad(x[at]);
    }
}

fn store_row(row: u32, ci: u32, sums: vec4<f32>) {
    if (within(row, N * H * W, TILE_ROWS)) {
        store(row, ci, sums.x);
        store(row, ci + THREADS_X, sums.y);
        store(row, ci + 2u * THREADS_X, sums.z);
        store(row, ci + 3u * THREADS_X, sums.w);
    }
}

fn store_block(row: u32, ci: u32, sums: mat4x4<f32>) {
    store_row(row, ci, sums[0]);
    store_row(row + THREADS_Y, ci, sums[1]);
    store_row(row + 2u * THREADS_Y, ci, sums[2]);
    store_row(row + 3u * THREADS_Y, ci, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn conv2d_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_ROWS;
    if (first >= N * H * W) { return; }
    let left = wid.x * TILE_CI;
    // What this thread stages.
    let d = index % DEPTH;
    let q = index / DEPTH;
    let kept = kept_of(first, q);
    let channels0 = channels(left, q);
    // Where a round has one (kh, kw), all threads walk together.
    let together = CO % DEPTH == 0u;
    var walked = unfold(select(d, 0u, together), KW, CO); // (kh, kw, co)
    var s00 = mat4x4<f32>();
    var s01 = mat4x4<f32>();
    var s10 = mat4x4<f32>();
    var s11 = mat4x4<f32>();
    // All of them. Not said as a constant: FXC would try to write out every round, for many seconds.
    let end = select(0u, KH * KW * CO, left < CI);
    for (var start = 0u; start < end; start += DEPTH) {
        let place = vec3<u32>(walked.xy, walked.z + select(0u, d, together));
        let used = within(start + d, KH * KW * CO, DEPTH);
        stage_rows(first, q, kept, d, place, used);
        for (var turn = 0u; turn < W_TURNS; turn++) {
            var begins = channels0;
            if (turn > 0u) { begins = channels(left, q + turn * STEP); }
            if (W_QUADS >= STEP || q < W_QUADS) { stage_w(d * W_STRIDE + q + turn * STEP, begins, place, used); }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = row_tile[k * ROW_STRIDE + lid.y];
            let b = w_tile[k * W_STRIDE + lid.x];
            s00 += outer(a, b);
            if (SIDE > 1u) {
                let below = row_tile[k * ROW_STRIDE + THREADS_Y + lid.y];
                let beside = w_tile[k * W_STRIDE + THREADS_X + lid.x];
                s01 += outer(a, beside);
                s10 += outer(below, b);
                s11 += outer(below, beside);
            }
        }
        workgroupBarrier();
        walked = walk(walked, DEPTH, KW, CO);
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
