// For GPUs. A workgroup computes a tile of TILE_I rows and TILE_J columns of an image's y, a thread BLOCK × BLOCK elements
// of it. DEPTH places of the rows of a and b at a time are staged in workgroup memory, by threads that are neighbours where
// numbers are; beyond the end they are zero.
// uses guard, tile
// grid J, I, N
const TILE_I = 32u; // one of 32, 64, 128: rows of a workgroup
const TILE_J = 32u; // one of 32, 64, 128: columns of a workgroup
const BLOCK = 4u; // one of 4, 8: rows and columns of a thread
const DEPTH = 8u; // one of 8, 16, 32: how much of K is staged at a time
const THREADS_X = TILE_J / BLOCK;
const THREADS_Y = TILE_I / BLOCK;
const A_QUADS = TILE_I / 4u; // vec4s of rows of a
const B_QUADS = TILE_J / 4u; // and of b
const A_ROUNDS = (DEPTH * A_QUADS + THREADS - 1u) / THREADS;
const B_ROUNDS = (DEPTH * B_QUADS + THREADS - 1u) / THREADS;
const A_STRIDE = A_QUADS + 1u; // one more keeps writers of different k in different banks
const B_STRIDE = B_QUADS + 1u;
const_assert 16u * DEPTH * (A_STRIDE + B_STRIDE) <= 16384u;
// [k][q]: four rows THREADS_Y apart, the first by `staged_row`
var<workgroup> a_tile: array<vec4<f32>, DEPTH * A_STRIDE>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * B_STRIDE>; // so too for columns THREADS_X apart

fn a_at(image: u32, row: u32, k: u32) -> f32 {
    let r = clamped(row, I, TILE_I);
    let at = clamped(k, K, DEPTH);
    let value = a[image * I * K + select(r * K + at, at * I + r, A_TURNED == 1u)];
    return select(0.0, value, within(k, K, DEPTH));
}

fn b_at(image: u32, column: u32, k: u32) -> f32 {
    let c = clamped(column, J, TILE_J);
    let at = clamped(k, K, DEPTH);
    let value = b[image * J * K + select(c * K + at, at * J + c, B_TURNED == 1u)];
    return select(0.0, value, within(k, K, DEPTH));
}

// Which (k, q) is staged as number t: first all k of a row, or of a turned matrix first all rows.
fn place_of(t: u32, quads: u32, is_turned: bool) -> vec2<u32> {
    return select(vec2<u32>(t % DEPTH, t / DEPTH), vec2<u32>(t / quads, t % quads), is_turned);
}

fn store(image: u32, row: u32, column: u32, sum: f32) {
    if (within(row, I, TILE_I) & within(column, J, TILE_J)) { y[(image * I + row) * J + column] = sum; }
}

fn store_row(image: u32, row: u32, column: u32, sums: vec4<f32>) {
    store(image, row, column, sums.x);
    store(image, row, column + THREADS_X, sums.y);
    store(image, row, column + 2u * THREADS_X, sums.z);
    store(image, row, column + 3u * THREADS_X, sums.w);
}

fn store_block(image: u32, row: u32, column: u32, sums: mat4x4<f32>) {
    store_row(image, row, column, sums[0]);
    store_row(image, row + THREADS_Y, column, sums[1]);
    store_row(image, row + 2u * THREADS_Y, column, sums[2]);
    store_row(image, row + 3u * THREADS_Y, column, sums[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn batch_dot(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
             @builtin(workgroup_id) wid: vec3<u32>) {
    let image = wid.z;
    let top = wid.y * TILE_I;
    let left = wid.x * TILE_J;
    // Blocks of 4 × 4. Where BLOCK is 4, there is only the first.
    var top_left = mat4x4<f32>();
    var top_right = mat4x4<f32>();
    var bottom_left = mat4x4<f32>();
    var bottom_right = mat4x4<f32>();
    for (var start = 0u; start < K; start += DEPTH) {
        for (var n = 0u; n < A_ROUNDS; n++) {
            let t = index + n * THREADS;
            let kq = place_of(t, A_QUADS, A_TURNED == 1u);
            let row = staged_row(top, kq.y);
            let k = start + kq.x;
            if (within(t, DEPTH * A_QUADS, THREADS)) {
                a_tile[kq.x * A_STRIDE + kq.y] = vec4<f32>(
                    a_at(image, row, k), a_at(image, row + THREADS_Y, k),
                    a_at(image, row + 2u * THREADS_Y, k), a_at(image, row + 3u * THREADS_Y, k));
            }
        }
        for (var n = 0u; n < B_ROUNDS; n++) {
            let t = index + n * THREADS;
            let kq = place_of(t, B_QUADS, B_TURNED == 1u);
            let column = staged_column(left, kq.y);
            let k = start + kq.x;
            if (within(t, DEPTH * B_QUADS, THREADS)) {
                b_tile[kq.x * B_STRIDE + kq.y] = vec4<f32>(
                    b_at(image, column, k), b_at(image, column + THREADS_X, k),
                    b_at(image, column + 2u * THREADS_X, k), b_at(image, column + 3u * THREADS_X, k));
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let u = a_tile[k * A_STRIDE + lid.y];
            let v = b_tile[k * B_STRIDE + lid.x];
            top_left += outer(u, v);
            if (BLOCK == 8u) {
                let below = a_tile[k * A_STRIDE + THREADS_Y + lid.y];
                let right = b_tile[k * B_STRIDE + THREADS_X + lid.x];
                top_right += outer(u, right);
                bottom_left += outer(below, v);
                bottom_right += outer(below, right);
            }
        }
        workgroupBarrier();
    }
    let row = top + lid.y;
    let column = left + lid.x;
    store_block(image, row, column, top_left);
    if (BLOCK == 8u) {
        store_block(image, row, column + 4u * THREADS_X, top_right);
        store_block(image, row + 4u * THREADS_Y, column, bottom_left);
        store_block(image, row + 4u * THREADS_Y, column + 4u * THREADS_X, bottom_right);
    }
}
