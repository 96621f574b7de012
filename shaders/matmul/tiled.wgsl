// For GPUs. A workgroup computes a tile of TILE_M rows and TILE_N columns of y, a thread BLOCK × BLOCK elements of it.
// DEPTH columns of x and rows of w at a time are staged in workgroup memory; beyond the end they are zero.
// uses index, tile
const TILE_M = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of K is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const X_QUADS = TILE_M / 4u; // vec4s of the staged columns of x
const W_QUADS = TILE_N / 4u; // vec4s of the staged rows of w
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different k in different banks
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [k][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [k][q]: so too for columns THREADS_X apart

fn x_at(row: u32, k: u32) -> f32 {
    if (row < M && k < K) { return x[row * K + k]; }
    return 0.0;
}

fn w_at(k: u32, column: u32) -> f32 {
    if (k < K && column < N) { return w[k * N + column]; }
    return 0.0;
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < M && column < N) { y[row * N + column] = activate(sum + b[column]); }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
          @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_M;
    if (first >= M) { return; }
    let left = wid.x * TILE_N;
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = 0u; start < K; start += DEPTH) {
        let kx = index % DEPTH;
        for (var q = index / DEPTH; q < X_QUADS; q += THREADS / DEPTH) {
            let row = staged_row(first, q);
            x_tile[kx * X_STRIDE + q] = vec4<f32>(
                x_at(row, start + kx), x_at(row + THREADS_Y, start + kx),
                x_at(row + 2u * THREADS_Y, start + kx), x_at(row + 3u * THREADS_Y, start + kx));
        }
        let q = index % W_QUADS;
        let column = staged_column(left, q);
        for (var k = index / W_QUADS; k < DEPTH; k += THREADS / W_QUADS) {
            w_tile[k * W_QUADS + q] = vec4<f32>(
                w_at(start + k, column), w_at(start + k, column + THREADS_X),
                w_at(start + k, column + 2u * THREADS_X), w_at(start + k, column + 3u * THREADS_X));
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
    // One store in a loop: written out, SwiftShader compiles it for minutes.
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let sum = sums[i / 4u * SIDE + j / 4u][i % 4u][j % 4u];
            store(first + i * THREADS_Y + lid.y, left + j * THREADS_X + lid.x, sum);
        }
    }
}
