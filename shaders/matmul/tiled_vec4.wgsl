// For GPUs: as `tiled`, but a thread's columns are neighbours, four at a time, so that w and b are loaded and y is
// stored as vec4s. A thread has BLOCK rows that lie THREADS_Y apart, and BLOCK / 4 quads of columns that lie THREADS_X
// quads apart. DEPTH columns of x and rows of w at a time are staged in workgroup memory; beyond the end they are zero.
// needs N % 4 == 0
// uses index, activate4, tile
const TILE_M = 64u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 64u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 16u; // one of 8, 16, 32: how much of K is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const X_QUADS = TILE_M / 4u; // vec4s of a staged column of x
const W_QUADS = TILE_N / 4u; // vec4s of a staged row of w
const X_STRIDE = X_QUADS + 1u; // one more keeps writers of different k in different banks
const_assert 16u * DEPTH * (X_STRIDE + W_QUADS) <= 16384u;
// [k][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_STRIDE>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [k][q]: columns 4 q .. 4 q + 3

fn x_at(row: u32, k: u32) -> f32 {
    if (row < M && k < K) { return x[row * K + k]; }
    return 0.0;
}

fn w_at(k: u32, quad: u32) -> vec4<f32> {
    if (k < K && quad < N / 4u) { return w4[k * (N / 4u) + quad]; }
    return vec4<f32>();
}

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    if (row < M && quad < N / 4u) {
        let z = sums + b4[quad];
        y4[row * (N / 4u) + quad] = activate4(z);
    }
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
    var sums = array<mat4x4<f32>, SIDE * SIDE>();
    for (var start = 0u; start < K; start += DEPTH) {
        for (var q = index / DEPTH; q < X_QUADS; q += THREADS / DEPTH) {
            let row = staged_row(first, q);
            x_tile[d * X_STRIDE + q] = vec4<f32>(
                x_at(row, start + d), x_at(row + THREADS_Y, start + d),
                x_at(row + 2u * THREADS_Y, start + d), x_at(row + 3u * THREADS_Y, start + d));
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
