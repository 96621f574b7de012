// forward: y = x · w + b.
// For large products on GPUs: as `tiled_8x8` of `matmul`, but x and dy both lie across the sum. A workgroup computes a tile of
// TILE_K rows and TILE_N columns of dw. A thread has two quads of rows that lie THREADS_Y quads apart, and two quads of
// columns that lie THREADS_X quads apart. DEPTH rows of x and dy at a time are staged in workgroup memory as they lie,
// in vec4s. The workgroups of the first rows of dw sum db too. Smaller products are for `tiled` and `split`.
// needs M % 16 == 0, N % 128 == 0, K % 64 == 0
// uses index, tile
// case M=16,N=128,K=64
// case M=48,N=640,K=320
// case M=2064,N=128,K=64
const TILE_K = 64u;
const TILE_N = 128u;
const BLOCK = 8u;
const DEPTH = 16u; // one of 8, 16: how much of M is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_K / BLOCK;
const X_QUADS = TILE_K / 4u; // vec4s of a staged row of x
const DY_QUADS = TILE_N / 4u; // and of dy
const X_STEP = THREADS / X_QUADS; // rows of x that all threads stage at a time
const DY_STEP = THREADS / DY_QUADS; // and of dy
var<workgroup> x_tile: array<vec4<f32>, DEPTH * X_QUADS>; // [m][q]: rows 4 q .. 4 q + 3 of dw
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * DY_QUADS>; // [m][q]: columns 4 q .. 4 q + 3

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    dw4[row * (N / 4u) + quad] = sums;
}

fn store_block(row: u32, quad: u32, sums: mat4x4<f32>) {
    store(row, quad, sums[0]);
    store(row + 1u, quad, sums[1]);
    store(row + 2u, quad, sums[2]);
    store(row + 3u, quad, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                      @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let top = group_y(wid, groups) * X_QUADS;
    if (top >= K / 4u) { return; }
    let left = wid.x * DY_QUADS;
    // What this thread stages: a quad of x in every X_STEP-th row, a quad of dy in every DY_STEP-th.
    let x_from = index / X_QUADS * (K / 4u) + top + index % X_QUADS;
    let dy_from = index / DY_QUADS * (N / 4u) + left + index % DY_QUADS;
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    // Sums of db: a thread of the first four rows of threads has one column, or two.
    var bias = 0.0;
    var bias_right = 0.0;
    for (var start = 0u; start < M; start += DEPTH) {
        for (var n = 0u; n < DEPTH / X_STEP; n++) {
            x_tile[index + n * THREADS] = x4[x_from + start * (K / 4u) + n * X_STEP * (K / 4u)];
        }
        for (var n = 0u; n < DEPTH / DY_STEP; n++) {
            dy_tile[index + n * THREADS] = dy4[dy_from + start * (N / 4u) + n * DY_STEP * (N / 4u)];
        }
        workgroupBarrier();
        if (top == 0u && lid.y < 4u) {
            for (var k = 0u; k < DEPTH; k++) {
                bias += dy_tile[k * DY_QUADS + lid.x][lid.y];
                bias_right += dy_tile[k * DY_QUADS + THREADS_X + lid.x][lid.y];
            }
        }
        for (var k = 0u; k < DEPTH; k++) {
            let a = x_tile[k * X_QUADS + lid.y];
            let c = dy_tile[k * DY_QUADS + lid.x];
            let below = x_tile[k * X_QUADS + THREADS_Y + lid.y];
            let right = dy_tile[k * DY_QUADS + THREADS_X + lid.x];
            top_left += outer(a, c);
            top_right += outer(a, right);
            bottom_left += outer(below, c);
            bottom_right += outer(below, right);
        }
        workgroupBarrier();
    }
    let row = 4u * (top + lid.y);
    let quad = left + lid.x;
    store_block(row, quad, top_left);
    store_block(row, quad + THREADS_X, top_right);
    store_block(row + 4u * THREADS_Y, quad, bottom_left);
    store_block(row + 4u * THREADS_Y, quad + THREADS_X, bottom_right);
    if (top == 0u && lid.y < 4u) {
        let column = 4u * quad + lid.y;
        db[column] = bias;
        db[column + 4u * THREADS_X] = bias_right;
    }
}
