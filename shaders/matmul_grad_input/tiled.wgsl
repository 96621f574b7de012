// forward: y = x · w + b.
// For GPUs. A workgroup computes a tile of TILE_M rows and TILE_K columns of dx, a thread BLOCK × BLOCK elements of it.
// DEPTH columns of dy and of w at a time, both along the units, are staged in workgroup memory; beyond the end they are
// zero.
// uses index, tile
const TILE_M = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_K = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of N is staged at a time
const THREADS_X = TILE_K / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const DY_QUADS = TILE_M / 4u; // vec4s of a staged column of dy
const W_QUADS = TILE_K / 4u; // and of w
const DY_STRIDE = DY_QUADS + 1u; // one more keeps writers of different n in different banks
const W_STRIDE = W_QUADS + 1u;
const_assert 16u * DEPTH * (DY_STRIDE + W_STRIDE) <= 16384u;
// [n][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_STRIDE>; // [n][q]: so too for rows of w THREADS_X apart

fn dy_at(row: u32, n: u32) -> f32 {
    if (row < M && n < N) { return dy[row * N + n]; }
    return 0.0;
}

fn w_at(column: u32, n: u32) -> f32 {
    if (column < K && n < N) { return w[column * N + n]; }
    return 0.0;
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < M && column < K) {
        let at = row * K + column;
        dx[at] = sum * activate_grad(x[at]);
    }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let top = group_y(wid, groups) * TILE_M;
    if (top >= M) { return; }
    let left = wid.x * TILE_K;
    let d = index % DEPTH; // of the n that this thread stages
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = 0u; start < N; start += DEPTH) {
        let n = start + d;
        for (var q = index / DEPTH; q < DY_QUADS; q += THREADS / DEPTH) {
            let row = staged_row(top, q);
            dy_tile[d * DY_STRIDE + q] = vec4<f32>(
                dy_at(row, n), dy_at(row + THREADS_Y, n),
                dy_at(row + 2u * THREADS_Y, n), dy_at(row + 3u * THREADS_Y, n));
        }
        for (var q = index / DEPTH; q < W_QUADS; q += THREADS / DEPTH) {
            let column = staged_column(left, q);
            w_tile[d * W_STRIDE + q] = vec4<f32>(
                w_at(column, n), w_at(column + THREADS_X, n),
                w_at(column + 2u * THREADS_X, n), w_at(column + 3u * THREADS_X, n));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            for (var i = 0u; i < SIDE; i++) {
                let a = dy_tile[k * DY_STRIDE + i * THREADS_Y + lid.y];
                for (var j = 0u; j < SIDE; j++) {
                    sums[i * SIDE + j] += outer(a, w_tile[k * W_STRIDE + j * THREADS_X + lid.x]);
                }
            }
        }
        workgroupBarrier();
    }
    // One store in a loop: written out, SwiftShader compiles it for minutes.
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let sum = sums[i / 4u * SIDE + j / 4u][i % 4u][j % 4u];
            store(top + i * THREADS_Y + lid.y, left + j * THREADS_X + lid.x, sum);
        }
    }
}
