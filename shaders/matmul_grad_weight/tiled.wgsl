// forward: y = x · w + b.
// For GPUs. A workgroup computes a tile of TILE_K rows and TILE_N columns of dw, a thread BLOCK × BLOCK elements of it.
// DEPTH rows of x and dy at a time, both along the batch, are staged in workgroup memory; beyond the end they are zero.
// The workgroups of the first rows of dw sum db too.
// uses index, guard, tile
const TILE_K = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_N = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of M is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_K / BLOCK;
const X_QUADS = TILE_K / 4u; // vec4s of a staged row of x
const DY_QUADS = TILE_N / 4u; // and of dy
const X_STEP = THREADS / X_QUADS; // rows of x that all threads stage at a time
const DY_STEP = THREADS / DY_QUADS; // and of dy
const X_ROUNDS = (DEPTH + X_STEP - 1u) / X_STEP;
const DY_ROUNDS = (DEPTH + DY_STEP - 1u) / DY_STEP;
const_assert 16u * DEPTH * (X_QUADS + DY_QUADS) <= 16384u;
// [m][q]: four rows of dw THREADS_Y apart, the first by `staged_row`.
// Writers are neighbours, so no row needs padding.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_QUADS>;
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_QUADS>; // [m][q]: so too for columns THREADS_X apart

fn x_at(m: u32, row: u32) -> f32 {
    let value = x[clamped(m, M, DEPTH) * K + clamped(row, K, TILE_K)];
    return select(0.0, value, within(m, M, DEPTH));
}

fn dy_at(m: u32, column: u32) -> f32 {
    let value = dy[clamped(m, M, DEPTH) * N + clamped(column, N, TILE_N)];
    return select(0.0, value, within(m, M, DEPTH));
}

fn store(row: u32, column: u32, sum: f32) {
    if (within(row, K, TILE_K) & within(column, N, TILE_N)) { dw[row * N + column] = sum; }
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
    // Blocks of 4 × 4. Where BLOCK is 4, there is only the first.
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    // Sums of db: a thread of the first four rows of threads has one column, or two.
    var bias = 0.0;
    var bias_right = 0.0;
    for (var start = 0u; start < M; start += DEPTH) {
        for (var n = 0u; n < X_ROUNDS; n++) {
            let d = index / X_QUADS + n * X_STEP;
            let m = start + d;
            if (within(d, DEPTH, X_STEP)) {
                x_tile[d * X_QUADS + xq] = vec4<f32>(
                    x_at(m, x_row), x_at(m, x_row + THREADS_Y),
                    x_at(m, x_row + 2u * THREADS_Y), x_at(m, x_row + 3u * THREADS_Y));
            }
        }
        for (var n = 0u; n < DY_ROUNDS; n++) {
            let d = index / DY_QUADS + n * DY_STEP;
            let m = start + d;
            if (within(d, DEPTH, DY_STEP)) {
                dy_tile[d * DY_QUADS + dq] = vec4<f32>(
                    dy_at(m, dy_column), dy_at(m, dy_column + THREADS_X),
                    dy_at(m, dy_column + 2u * THREADS_X), dy_at(m, dy_column + 3u * THREADS_X));
            }
        }
        workgroupBarrier();
        if (top == 0u && lid.y < 4u) {
            for (var k = 0u; k < DEPTH; k++) {
                bias += dy_tile[k * DY_QUADS + lid.x][lid.y];
                if (BLOCK == 8u) { bias_right += dy_tile[k * DY_QUADS + THREADS_X + lid.x][lid.y]; }
            }
        }
        for (var k = 0u; k < DEPTH; k++) {
            let a = x_tile[k * X_QUADS + lid.y];
            let c = dy_tile[k * DY_QUADS + lid.x];
            top_left += outer(a, c);
            if (BLOCK == 8u) {
                let below = x_tile[k * X_QUADS + THREADS_Y + lid.y];
                let right = dy_tile[k * DY_QUADS + THREADS_X + lid.x];
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
    if (top == 0u && lid.y < 4u) {
        let of_bias = column + lid.y * THREADS_X;
        if (within(of_bias, N, TILE_N)) { db[of_bias] = bias; }
        if (BLOCK == 8u && within(of_bias + 4u * THREADS_X, N, TILE_N)) { db[of_bias + 4u * THREADS_X] = bias_right; }
    }
}
