// For GPUs. A workgroup computes a tile of TILE_M rows and TILE_N columns of y, a thread BLOCK × BLOCK elements of it.
// DEPTH columns of x and rows of w at a time are staged in workgroup memory; beyond the end they are zero.
// uses index, guard, tile
const TILE_M = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of K is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const X_QUADS = TILE_M / 4u; // vec4s of the staged columns of x
const W_QUADS = TILE_N / 4u; // vec4s of the staged rows of w
const X_STEP = max(THREADS / DEPTH, 1u); // vec4s of a column of x that all threads stage at a time
const W_STEP = THREADS / W_QUADS; // rows of w that all threads stage at a time
const X_ROUNDS = (X_QUADS + X_STEP - 1u) / X_STEP;
const W_ROUNDS = (DEPTH + W_STEP - 1u) / W_STEP;
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different k in different banks
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [k][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [k][q]: so too for columns THREADS_X apart

fn x_at(row: u32, k: u32) -> f32 {
    let value = x[clamped(row, M, TILE_M) * K + clamped(k, K, DEPTH)];
    return select(0.0, value, within(k, K, DEPTH));
}

fn w_at(k: u32, column: u32) -> f32 {
    let value = w[clamped(k, K, DEPTH) * N + clamped(column, N, TILE_N)];
    return select(0.0, value, within(k, K, DEPTH));
}

fn store(row: u32, column: u32, sum: f32) {
    if (within(row, M, TILE_M) & within(column, N, TILE_N)) { y[row * N + column] = activate(sum + b[column]); }
}

fn store_row(row: u32, column: u32, sums: vec4<f32>) {
    store(row, column, sums.x);
    store(row, column + THREADS_X, sums.y);
    store(row, column + 2u * THREADS_X, sums.z);
    store(row, column + 3u * THREADS_X, sums.w);
}

fn store_block(row: u32, column: u32, sums: mat4x4<f32>) {
    store_row(row, column, sums[0]);
    store_row(row + THREADS_Y, column, sums[1]);
    store_row(row + 2u * THREADS_Y, column, sums[2]);
    store_row(row + 3u * THREADS_Y, column, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
          @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_M;
    if (first >= M) { return; }
    let left = wid.x * TILE_N;
    // What this thread stages.
    let kx = index % DEPTH;
    let wq = index % W_QUADS;
    let w_column = staged_column(left, wq);
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
                x_tile[kx * X_STRIDE + q] = vec4<f32>(
                    x_at(row, start + kx), x_at(row + THREADS_Y, start + kx),
                    x_at(row + 2u * THREADS_Y, start + kx), x_at(row + 3u * THREADS_Y, start + kx));
            }
        }
        for (var n = 0u; n < W_ROUNDS; n++) {
            let k = index / W_QUADS + n * W_STEP;
            if (within(k, DEPTH, W_STEP)) {
                w_tile[k * W_QUADS + wq] = vec4<f32>(
                    w_at(start + k, w_column), w_at(start + k, w_column + THREADS_X),
                    w_at(start + k, w_column + 2u * THREADS_X), w_at(start + k, w_column + 3u * THREADS_X));
            }
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
    let column = left + lid.x;
    store_block(row, column, top_left);
    if (BLOCK == 8u) {
        store_block(row, column + 4u * THREADS_X, top_right);
        store_block(row + 4u * THREADS_Y, column, bottom_left);
        store_block(row + 4u * THREADS_Y, column + 4u * THREADS_X, bottom_right);
    }
}
