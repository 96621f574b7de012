// For GPUs: as `tiled`, but a thread's columns are neighbours, four at a time, so that w and b are loaded and y is
// stored as vec4s. A thread has BLOCK rows that lie THREADS_Y apart, and BLOCK / 4 quads of columns that lie THREADS_X
// quads apart. DEPTH columns of x and rows of w at a time are staged in workgroup memory; beyond the end they are zero.
// needs N % 4 == 0
// uses index, activate4, guard, tile
const TILE_M = 64u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 64u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 16u; // one of 8, 16, 32: how much of K is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const X_QUADS = TILE_M / 4u; // vec4s of a staged column of x
const W_QUADS = TILE_N / 4u; // vec4s of a staged row of w
const X_STEP = max(THREADS / DEPTH, 1u); // vec4s of a column of x that all threads stage at a time
const W_STEP = THREADS / W_QUADS; // rows of w that all threads stage at a time
const X_ROUNDS = (X_QUADS + X_STEP - 1u) / X_STEP;
const W_ROUNDS = (DEPTH + W_STEP - 1u) / W_STEP;
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different k in different banks
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [k][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [k][q]: columns 4 q .. 4 q + 3

fn x_at(row: u32, k: u32) -> f32 {
    let value = x[clamped(row, M, TILE_M) * K + clamped(k, K, DEPTH)];
    return select(0.0, value, within(k, K, DEPTH));
}

fn w_at(k: u32, quad: u32) -> vec4<f32> {
    let value = w4[clamped(k, K, DEPTH) * (N / 4u) + clamped(quad, N / 4u, W_QUADS)];
    return select(vec4<f32>(), value, within(k, K, DEPTH));
}

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    if (within(row, M, TILE_M) & within(quad, N / 4u, W_QUADS)) {
        let z = sums + b4[quad];
        y4[row * (N / 4u) + quad] = activate4(z);
    }
}

fn store_block(row: u32, quad: u32, sums: mat4x4<f32>) {
    store(row, quad, sums[0]);
    store(row + THREADS_Y, quad, sums[1]);
    store(row + 2u * THREADS_Y, quad, sums[2]);
    store(row + 3u * THREADS_Y, quad, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
          @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_M;
    if (first >= M) { return; }
    let left = wid.x * W_QUADS;
    // What this thread stages.
    let d = index % DEPTH;
    let wq = index % W_QUADS;
    // Blocks of 4 × 4. Where BLOCK is 4, there is only the first.
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    for (var start = 0u; start < K; start += DEPTH) {
        for (var n = 0u; n < X_ROUNDS; n++) {
            let q = index / DEPTH + n * X_STEP;
            let row = staged_row(first, q);
            if (within(q, X_QUADS, X_STEP)) {
                x_tile[d * X_STRIDE + q] = vec4<f32>(
                    x_at(row, start + d), x_at(row + THREADS_Y, start + d),
                    x_at(row + 2u * THREADS_Y, start + d), x_at(row + 3u * THREADS_Y, start + d));
            }
        }
        for (var n = 0u; n < W_ROUNDS; n++) {
            let k = index / W_QUADS + n * W_STEP;
            if (within(k, DEPTH, W_STEP)) { w_tile[k * W_QUADS + wq] = w_at(start + k, left + wq); }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = x_tile[k * X_STRIDE + lid.y];
            let c = w_tile[k * W_QUADS + lid.x];
            top_left += outer(a, c);
            if (BLOCK == 8u) {
                let below = x_tile[k * X_STRIDE + THREADS_Y + lid.y];
                let right = w_tile[k * W_QUADS + THREADS_X + lid.x];
                top_right += outer(a, right);
                bottom_left += outer(below, c);
                bottom_right += outer(below, right);
            }
        }
        workgroupBarrier();
    }
    let row = first + lid.y;
    let quad = left + lid.x;
    store_block(row, quad, top_left);
    if (BLOCK == 8u) {
        store_block(row, quad + THREADS_X, top_right);
        store_block(row + 4u * THREADS_Y, quad, bottom_left);
        store_block(row + 4u * THREADS_Y, quad + THREADS_X, bottom_right);
    }
}
