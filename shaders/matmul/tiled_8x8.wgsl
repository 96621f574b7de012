// For large products on GPUs: a thread has 8 × 8 elements, so that each number in workgroup memory is used eight times
// and four of five instructions are multiplications. There are no guards: all tiles are whole. A workgroup computes a tile of
// TILE_M rows and TILE_N columns of y. A thread has 8 rows that lie THREADS_Y apart, and two quads of columns that lie
// THREADS_X quads apart. DEPTH columns of x and rows of w at a time are staged in workgroup memory as they lie, in vec4s;
// four k at a time are read from there. Few such tiles leave most of a GPU idle: then `tiled` is faster.
// needs M % 64 == 0, N % 128 == 0, K % 16 == 0
// uses index, activate4, products, tile
// case M=64,N=128,K=16
// case M=320,N=640,K=48
// case M=64,N=128,K=2064
const TILE_M = 64u;
const TILE_N = 128u;
const BLOCK = 8u;
const DEPTH = 16u; // one of 8, 16: how much of K is staged at a time
const THREADS_X = TILE_N / BLOCK;
const THREADS_Y = TILE_M / BLOCK;
const X_QUADS = DEPTH / 4u; // vec4s of a staged row of x
const W_QUADS = TILE_N / 4u; // vec4s of a staged row of w
const X_STEP = THREADS / X_QUADS; // rows of x that all threads stage at a time
const W_STEP = THREADS / W_QUADS; // rows of w that all threads stage at a time
const X_STRIDE = X_QUADS + 1u; // one more keeps readers of different rows in different banks
var<workgroup> x_tile: array<vec4<f32>, TILE_M * X_STRIDE>; // [row][q]: columns 4 q .. 4 q + 3
var<workgroup> w_tile: array<vec4<f32>, DEPTH * W_QUADS>; // [k][q]: columns 4 q .. 4 q + 3

fn store(row: u32, quad: u32, sums: vec4<f32>) {
    let z = sums + b4[quad];
    y4[row * (N / 4u) + quad] = activate4(z);
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
    // What this thread stages: a quad of x in every X_STEP-th row, a quad of w in every W_STEP-th.
    let x_row = index / X_QUADS;
    let w_row = index / W_QUADS;
    let x_place = x_row * X_STRIDE + index % X_QUADS;
    let x_from = (first + x_row) * (K / 4u) + index % X_QUADS;
    let w_from = w_row * (N / 4u) + left + index % W_QUADS;
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    for (var start = 0u; start < K; start += DEPTH) {
        for (var n = 0u; n < TILE_M / X_STEP; n++) {
            x_tile[x_place + n * X_STEP * X_STRIDE] = x4[x_from + start / 4u + n * X_STEP * (K / 4u)];
        }
        for (var n = 0u; n < DEPTH / W_STEP; n++) {
            w_tile[index + n * THREADS] = w4[w_from + start * (N / 4u) + n * W_STEP * (N / 4u)];
        }
        workgroupBarrier();
        for (var q = 0u; q < X_QUADS; q++) {
            let b = w_rows(4u * q, lid.x);
            let c = w_rows(4u * q, THREADS_X + lid.x);
            let a0 = x_at(lid.y, q);
            top_left[0] = add_products(top_left[0], a0, b);
            top_right[0] = add_products(top_right[0], a0, c);
            let a1 = x_at(THREADS_Y + lid.y, q);
            top_left[1] = add_products(top_left[1], a1, b);
            top_right[1] = add_products(top_right[1], a1, c);
            let a2 = x_at(2u * THREADS_Y + lid.y, q);
            top_left[2] = add_products(top_left[2], a2, b);
            top_right[2] = add_products(top_right[2], a2, c);
            let a3 = x_at(3u * THREADS_Y + lid.y, q);
            top_left[3] = add_products(top_left[3], a3, b);
            top_right[3] = add_products(top_right[3], a3, c);
            let a4 = x_at(4u * THREADS_Y + lid.y, q);
            bottom_left[0] = add_products(bottom_left[0], a4, b);
            bottom_right[0] = add_products(bottom_right[0], a4, c);
            let a5 = x_at(5u * THREADS_Y + lid.y, q);
            bottom_left[1] = add_products(bottom_left[1], a5, b);
            bottom_right[1] = add_products(bottom_right[1], a5, c);
            let a6 = x_at(6u * THREADS_Y + lid.y, q);
            bottom_left[2] = add_products(bottom_left[2], a6, b);
            bottom_right[2] = add_products(bottom_right[2], a6, c);
            let a7 = x_at(7u * THREADS_Y + lid.y, q);
            bottom_left[3] = add_products(bottom_left[3], a7, b);
            bottom_right[3] = add_products(bottom_right[3], a7, c);
        }
        workgroupBarrier();
    }
    let row = first + lid.y;
    let quad = left + lid.x;
    store_block(row, quad, top_left);
    store_block(row, quad + THREADS_X, top_right);
    store_block(row + 4u * THREADS_Y, quad, bottom_left);
    store_block(row + 4u * THREADS_Y, quad + THREADS_X, bottom_right);
}

// Four k of a row of x.
fn x_at(row: u32, q: u32) -> vec4<f32> { return x_tile[row * X_STRIDE + q]; }

// Four rows of w at a quad of columns.
fn w_rows(k: u32, q: u32) -> mat4x4<f32> {
    let at = k * W_QUADS + q;
    return mat4x4<f32>(w_tile[at], w_tile[at + W_QUADS], w_tile[at + 2u * W_QUADS], w_tile[at + 3u * W_QUADS]);
}
