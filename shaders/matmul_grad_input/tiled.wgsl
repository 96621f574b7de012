// forward: y = x · w + b.
// For GPUs. A workgroup computes a tile of TILE_M rows and TILE_K columns of dx, a thread BLOCK × BLOCK elements of it.
// DEPTH columns of dy and of w at a time, both along the units, are staged in workgroup memory; beyond N they are
// zero.
// uses index, guard, tile
const TILE_M = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_K = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of N is staged at a time
const THREADS_X = TILE_K / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const DY_QUADS = TILE_M / 4u; // vec4s of a staged column of dy
const W_QUADS = TILE_K / 4u; // and of w
const STEP = max(THREADS / DEPTH, 1u); // vec4s of a column that all threads stage at a time
const DY_ROUNDS = (DY_QUADS + STEP - 1u) / STEP;
const W_ROUNDS = (W_QUADS + STEP - 1u) / STEP;
const DY_STRIDE = DY_QUADS + 1u; // one more keeps writers of different n in different banks
const W_STRIDE = W_QUADS + 1u;
const_assert 16u * DEPTH * (DY_STRIDE + W_STRIDE) <= 16384u;
// [n][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_STRIDE>; // [n][q]: so too for rows of w THREADS_X apart

fn dy_at(row: u32, n: u32) -> f32 {
    let value = dy[clamped(row, M, TILE_M) * N + clamped(n, N, DEPTH)];
    return select(0.0, value, within(n, N, DEPTH));
}

fn w_at(column: u32, n: u32) -> f32 {
    let value = w[clamped(column, K, TILE_K) * N + clamped(n, N, DEPTH)];
    return select(0.0, value, within(n, N, DEPTH));
}

fn store(row: u32, column: u32, sum: f32) {
    if (within(row, M, TILE_M) & within(column, K, TILE_K)) {
        let at = row * K + column;
        dx[at] = sum * activate_grad(x[at]);
    }
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
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let top = group_y(wid, groups) * TILE_M;
    if (top >= M) { return; }
    let left = wid.x * TILE_K;
    let d = index % DEPTH; // of the n that this thread stages
    // Blocks of 4 × 4. Where BLOCK is 4, there is only the first.
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    for (var start = 0u; start < N; start += DEPTH) {
        let n = start + d;
        for (var r = 0u; r < DY_ROUNDS; r++) {
            let q = index / DEPTH + r * STEP;
            let row = staged_row(top, q);
            if (within(q, DY_QUADS, STEP)) {
                dy_tile[d * DY_STRIDE + q] = vec4<f32>(
                    dy_at(row, n), dy_at(row + THREADS_Y, n),
                    dy_at(row + 2u * THREADS_Y, n), dy_at(row + 3u * THREADS_Y, n));
            }
        }
        for (var r = 0u; r < W_ROUNDS; r++) {
            let q = index / DEPTH + r * STEP;
            let column = staged_column(left, q);
            if (within(q, W_QUADS, STEP)) {
                w_tile[d * W_STRIDE + q] = vec4<f32>(
                    w_at(column, n), w_at(column + THREADS_X, n),
                    w_at(column + 2u * THREADS_X, n), w_at(column + 3u * THREADS_X, n));
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let a = dy_tile[k * DY_STRIDE + lid.y];
            let c = w_tile[k * W_STRIDE + lid.x];
            top_left += outer(a, c);
            if (BLOCK == 8u) {
                let below = dy_tile[k * DY_STRIDE + THREADS_Y + lid.y];
                let right = w_tile[k * W_STRIDE + THREADS_X + lid.x];
                top_right += outer(a, right);
                bottom_left += outer(below, c);
                bottom_right += outer(below, right);
            }
        }
        workgroupBarrier();
    }
    let row = top + lid.y;
    let column = left + lid.x;
    store_block(row, column, top_left);
    if (BLOCK == 8u) {
        store_block(row, column + 4u * THREADS_X, top_right);
        store_block(row + 4u * THREADS_Y, column, bottom_left);
        store_block(row + 4u * THREADS_Y, column + 4u * THREADS_X, bottom_right);
    }
}
