// forward: y = x · w + b.
// For large products on GPUs: as `tiled_8x8` of `matmul`, but dy and w both lie along the sum. A workgroup computes a tile of
// TILE_M rows and TILE_K columns of dx. A thread has 8 rows that lie THREADS_Y apart, and two quads of columns that lie
// THREADS_X quads apart. DEPTH columns of dy and of w at a time are staged in workgroup memory as they lie, in vec4s;
// four n at a time are read from there. Few such tiles leave most of a GPU idle: then `tiled` is faster.
// needs M % 64 == 0, N % 16 == 0, K % 128 == 0
// uses index, activate4, products, tile
// case M=64,N=16,K=128
// case M=320,N=48,K=640
// case M=64,N=2064,K=128
const TILE_M = 64u;
const TILE_K = 128u;
const BLOCK = 8u;
const DEPTH = 16u; // one of 8, 16: how much of N is staged at a time
const THREADS_X = TILE_K / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const QUADS = DEPTH / 4u; // vec4s of a staged row of dy or w
const STRIDE = QUADS + 1u; // one more keeps readers of different rows in different banks
const STEP = THREADS / QUADS; // rows that all threads stage at a time
const COLUMN_QUADS = TILE_K / 4u;
var<workgroup> dy_tile: array<vec4<f32>, TILE_M * STRIDE>; // [row][q]: units 4 q .. 4 q + 3
// [r][q]: rows of w, of which the first in each quad come first, then the second ...: threads read neighbours.
var<workgroup> w_tile: array<vec4<f32>, TILE_K * STRIDE>;

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    let at = row * (K / 4u) + quad;
    dx4[at] = sums * activate_grad4(x4[at]);
}

fn store_block(row: u32, quad: u32, sums: mat4x4<f32>) {
    store(row, quad, sums[0]);
    store(row + THREADS_Y, quad, sums[1]);
    store(row + 2u * THREADS_Y, quad, sums[2]);
    store(row + 3u * THREADS_Y, quad, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let top = group_y(wid, groups) * TILE_M;
    if (top >= M) { return; }
    let left = wid.x * TILE_K;
    // What this thread stages: a quad of every STEP-th row.
    let first = index / QUADS;
    let place = first * STRIDE + index % QUADS;
    let dy_from = (top + first) * (N / 4u) + index % QUADS;
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    for (var start = 0u; start < N; start += DEPTH) {
        for (var n = 0u; n < TILE_M / STEP; n++) {
            dy_tile[place + n * STEP * STRIDE] = dy4[dy_from + start / 4u + n * STEP * (N / 4u)];
        }
        for (var n = 0u; n < TILE_K / STEP; n++) {
            let r = first + n * STEP;
            let row = left + r % COLUMN_QUADS * 4u + r / COLUMN_QUADS;
            w_tile[place + n * STEP * STRIDE] = w4[row * (N / 4u) + index % QUADS + start / 4u];
        }
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q++) {
            let b = w_columns(lid.x, q);
            let c = w_columns(THREADS_X + lid.x, q);
            let a0 = dy_at(lid.y, q);
            top_left[0] = add_products(top_left[0], a0, b);
            top_right[0] = add_products(top_right[0], a0, c);
            let a1 = dy_at(THREADS_Y + lid.y, q);
            top_left[1] = add_products(top_left[1], a1, b);
            top_right[1] = add_products(top_right[1], a1, c);
            let a2 = dy_at(2u * THREADS_Y + lid.y, q);
            top_left[2] = add_products(top_left[2], a2, b);
            top_right[2] = add_products(top_right[2], a2, c);
            let a3 = dy_at(3u * THREADS_Y + lid.y, q);
            top_left[3] = add_products(top_left[3], a3, b);
            top_right[3] = add_products(top_right[3], a3, c);
            let a4 = dy_at(4u * THREADS_Y + lid.y, q);
            bottom_left[0] = add_products(bottom_left[0], a4, b);
            bottom_right[0] = add_products(bottom_right[0], a4, c);
            let a5 = dy_at(5u * THREADS_Y + lid.y, q);
            bottom_left[1] = add_products(bottom_left[1], a5, b);
            bottom_right[1] = add_products(bottom_right[1], a5, c);
            let a6 = dy_at(6u * THREADS_Y + lid.y, q);
            bottom_left[2] = add_products(bottom_left[2], a6, b);
            bottom_right[2] = add_products(bottom_right[2], a6, c);
            let a7 = dy_at(7u * THREADS_Y + lid.y, q);
            bottom_left[3] = add_products(bottom_left[3], a7, b);
            bottom_right[3] = add_products(bottom_right[3], a7, c);
        }
        workgroupBarrier();
    }
    let row = top + lid.y;
    let quad = wid.x * COLUMN_QUADS + lid.x;
    store_block(row, quad, top_left);
    store_block(row, quad + THREADS_X, top_right);
    store_block(row + 4u * THREADS_Y, quad, bottom_left);
    store_block(row + 4u * THREADS_Y, quad + THREADS_X, bottom_right);
}

// Four units of a row of dy.
fn dy_at(row: u32, q: u32) -> vec4<f32> { return dy_tile[row * STRIDE + q]; }

// Four units of wᵀ at a quad of columns.
fn w_columns(quad: u32, q: u32) -> mat4x4<f32> {
    let at = quad * STRIDE + q;
    return transpose(mat4x4<f32>(w_tile[at], w_tile[at + COLUMN_QUADS * STRIDE], w_tile[at + 2u * COLUMN_QUADS * STRIDE],
                                 w_tile[at + 3u * COLUMN_QUADS * STRIDE]));
}
