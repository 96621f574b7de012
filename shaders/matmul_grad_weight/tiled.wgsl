// forward: y = x · w + b.
// For GPUs. A workgroup computes a tile of TILE_K rows and TILE_N columns of dw, a thread BLOCK × BLOCK elements of it.
// DEPTH rows of x and dy at a time, both along the batch, are staged in workgroup memory; beyond the end they are zero.
// The workgroups of the first rows of dw sum db too.
// uses index, tile
const TILE_K = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of M is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_K / BLOCK;
const X_QUADS = TILE_K / 4u; // vec4s of a staged row of x
const DY_QUADS = TILE_N / 4u; // and of dy
const_assert 16u * DEPTH * (X_QUADS + DY_QUADS) <= 16384u;
// [m][q]: four rows of dw THREADS_Y apart, the first by `staged_row`.
// Writers are neighbours, so no row needs padding.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_QUADS>;
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_QUADS>; // [m][q]: so too for columns THREADS_X apart

fn x_at(m: u32, row: u32) -> f32 {
    if (m < M && row < K) { return x[m * K + row]; }
    return 0.0;
}

fn dy_at(m: u32, column: u32) -> f32 {
    if (m < M && column < N) { return dy[m * N + column]; }
    return 0.0;
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < K && column < N) { dw[row * N + column] = sum; }
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                      @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let top = group_y(wid, groups) * TILE_K;
    if (top >= K) { return; }
    let left = wid.x * TILE_N;
    // What this thread stages.
    let xq = index % X_QUADS;
    let x_row = staged_row(top, xq);
    let dq = index % DY_QUADS;
    let dy_column = staged_column(left, dq);
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    var bias = array<vec4<f32>, SIDE>();
    for (var start = 0u; start < M; start += DEPTH) {
        for (var d = index / X_QUADS; d < DEPTH; d += THREADS / X_QUADS) {
            let m = start + d;
            x_tile[d * X_QUADS + xq] = vec4<f32>(
                x_at(m, x_row), x_at(m, x_row + THREADS_Y),
                x_at(m, x_row + 2u * THREADS_Y), x_at(m, x_row + 3u * THREADS_Y));
        }
        for (var d = index / DY_QUADS; d < DEPTH; d += THREADS / DY_QUADS) {
            let m = start + d;
            dy_tile[d * DY_QUADS + dq] = vec4<f32>(
                dy_at(m, dy_column), dy_at(m, dy_column + THREADS_X),
                dy_at(m, dy_column + 2u * THREADS_X), dy_at(m, dy_column + 3u * THREADS_X));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            for (var i = 0u; i < SIDE; i++) {
                let a = x_tile[k * X_QUADS + i * THREADS_Y + lid.y];
                for (var j = 0u; j < SIDE; j++) {
                    sums[i * SIDE + j] += outer(a, dy_tile[k * DY_QUADS + j * THREADS_X + lid.x]);
                }
            }
        }
        if (top == 0u) {
            for (var k = 0u; k < DEPTH; k++) {
                for (var j = 0u; j < SIDE; j++) { bias[j] += dy_tile[k * DY_QUADS + j * THREADS_X + lid.x]; }
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
    if (top + lid.y == 0u) {
        for (var j = 0u; j < BLOCK; j++) {
            let column = left + j * THREADS_X + lid.x;
            if (column < N) { db[column] = bias[j / 4u][j % 4u]; }
        }
    }
}
