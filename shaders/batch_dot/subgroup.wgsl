// y = a · bᵀ for each image by tiles of 32 rows and 32 columns, no barriers, for any sizes.
// For CPU adapters, where loads are dear: eight lanes share the loads of 32 rows and columns for the 512 vector products of
// 32 × 32 × 4. Why so, why `sum` stays in memory, and what `lanes < 8` is for: shaders/README.md.
// A workgroup is one tile of an image; a thread has four columns of all its rows.
// grid J, I, N
const ROWS = 32u;
const TILE_I = ROWS;
const TILE_J = 32u;

@compute @workgroup_size(8)
fn batch_dot(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(subgroup_size) lanes: u32) {
    let image = wid.z;
    let row = wid.y * TILE_I;
    let column = wid.x * TILE_J + 4u * lid.x;
    var sum = array<vec4<f32>, ROWS>();
    for (var k = 0u; k < K; k += 4u) {
        var right = array<vec4<f32>, 4>();
        for (var i = 0u; i < 4u; i++) {
            right[i] = vec4<f32>(b_at(image, column, k + i), b_at(image, column + 1u, k + i),
                                 b_at(image, column + 2u, k + i), b_at(image, column + 3u, k + i));
        }
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) { add(&sum, r, left(image, row + r, k), &right); }
            continue;
        }
        eight(&sum, 0u, left(image, row + 0u + lid.x, k), &right);
        eight(&sum, 8u, left(image, row + 8u + lid.x, k), &right);
        eight(&sum, 16u, left(image, row + 16u + lid.x, k), &right);
        eight(&sum, 24u, left(image, row + 24u + lid.x, k), &right);
    }
    for (var i = 0u; i < 4u * min(ROWS, I - row); i++) {
        if (column + i % 4u < J) { y[(image * I + row + i / 4u) * J + column + i % 4u] = sum[i / 4u][i % 4u]; }
    }
}

// Four places of a row from k on; zeros beyond the end, so that what b has there does not count.
fn left(image: u32, row: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(a_at(image, row, k), a_at(image, row, k + 1u), a_at(image, row, k + 2u), a_at(image, row, k + 3u));
}

fn a_at(image: u32, row: u32, k: u32) -> f32 {
    let r = min(row, I - 1u);
    let at = min(k, K - 1u);
    let value = a[image * I * K + select(r * K + at, at * I + r, A_TURNED == 1u)];
    return select(0.0, value, k < K);
}

fn b_at(image: u32, column: u32, k: u32) -> f32 {
    let c = min(column, J - 1u);
    let at = min(k, K - 1u);
    return b[image * J * K + select(c * K + at, at * J + c, B_TURNED == 1u)];
}

fn eight(sum: ptr<function, array<vec4<f32>, ROWS>>, first: u32, own: vec4<f32>, right: ptr<function, array<vec4<f32>, 4>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), right); }
}

fn add(sum: ptr<function, array<vec4<f32>, ROWS>>, row: u32, a: vec4<f32>, right: ptr<function, array<vec4<f32>, 4>>) {
    (*sum)[row] += a.x * (*right)[0] + a.y * (*right)[1] + a.z * (*right)[2] + a.w * (*right)[3];
}
