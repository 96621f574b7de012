// forward: y = x · w + b.
// dx = (dy · wᵀ) * activate_grad(x) by tiles of 32 rows and 64 columns, no barriers.
// For CPU adapters, where loads are dear: eight lanes share 12 loads for the 1024 products of a tile of 32 × 64 × 4.
// Why so, why `sum` stays in memory, and what `lanes < 8` is for: shaders/README.md.
// A workgroup is one tile; a thread has two vec4 columns of all its rows, and turns w by naming its parts anew.
// needs N % 4 == 0, K % 4 == 0
// uses index, activate4
const ROWS = 32u;
const TILE_M = ROWS;
const TILE_K = 64u;

@compute @workgroup_size(8)
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_M;
    if (row >= M) { return; }
    let column = (wid.x * 8u + lid.x) * 2u;
    var sum = array<vec4<f32>, 64>();
    for (var n = 0u; n < N / 4u; n++) {
        var w = array<vec4<f32>, 8>();
        for (var i = 0u; i < 8u; i++) { w[i] = w4[min(4u * column + i, K - 1u) * (N / 4u) + n]; }
        var b = array<vec4<f32>, 8>();
        for (var i = 0u; i < 4u; i++) {
            b[2u * i] = vec4(w[0][i], w[1][i], w[2][i], w[3][i]);
            b[2u * i + 1u] = vec4(w[4][i], w[5][i], w[6][i], w[7][i]);
        }
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) { add(&sum, r, gradient(row + r, n), &b); }
            continue;
        }
        eight(&sum, 0u, gradient(row + 0u + lid.x, n), &b);
        eight(&sum, 8u, gradient(row + 8u + lid.x, n), &b);
        eight(&sum, 16u, gradient(row + 16u + lid.x, n), &b);
        eight(&sum, 24u, gradient(row + 24u + lid.x, n), &b);
    }
    for (var i = 0u; i < 2u * min(ROWS, M - row); i++) {
        if (column + i % 2u < K / 4u) {
            let at = (row + i / 2u) * (K / 4u) + column + i % 2u;
            let slope = activate_grad4(x4[at]);
            dx4[at] = sum[i] * slope;
        }
    }
}

fn gradient(row: u32, n: u32) -> vec4<f32> { return dy4[min(row, M - 1u) * (N / 4u) + n]; }

fn eight(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 64>>, row: u32, a: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    (*sum)[2u * row] += a.x * (*b)[0] + a.y * (*b)[2] + a.z * (*b)[4] + a.w * (*b)[6];
    (*sum)[2u * row + 1u] += a.x * (*b)[1] + a.y * (*b)[3] + a.z * (*b)[5] + a.w * (*b)[7];
}
