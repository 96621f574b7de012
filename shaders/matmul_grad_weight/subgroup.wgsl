// forward: y = x · w + b.
// dw = xᵀ · dy by tiles of 32 rows and 64 columns, four rows of the batch at a time, no barriers. db falls out on the way.
// For CPU adapters, where loads are dear: eight lanes share 12 loads for the 1024 products of a tile of 32 × 64 × 4.
// Why so, why `sum` stays in memory, and what `lanes < 8` is for: shaders/README.md.
// A workgroup is one tile; a thread has two vec4 columns of all its rows.
// needs M % 4 == 0, N % 4 == 0, K % 4 == 0
// uses index
const ROWS = 32u;
const TILE_K = ROWS;
const TILE_N = 64u;

@compute @workgroup_size(8)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_K;
    if (row >= K) { return; }
    let column = (wid.x * 8u + lid.x) * 2u;
    let left = min(column, N / 4u - 1u);
    let right = min(column + 1u, N / 4u - 1u);
    var sum = array<vec4<f32>, 64>();
    var bias = array<vec4<f32>, 2>();
    for (var m = 0u; m < M; m += 4u) {
        var b = array<vec4<f32>, 8>();
        for (var i = 0u; i < 4u; i++) {
            b[2u * i] = dy4[(m + i) * (N / 4u) + left];
            b[2u * i + 1u] = dy4[(m + i) * (N / 4u) + right];
        }
        bias[0] += b[0] + b[2] + b[4] + b[6];
        bias[1] += b[1] + b[3] + b[5] + b[7];
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r += 4u) {
                var a = array<vec4<f32>, 4>();
                for (var i = 0u; i < 4u; i++) { a[i] = input(m + i, row + r); }
                four(&sum, r, &a, &b);
            }
            continue;
        }
        // Lane i + 4 h holds the values of batch row m + i for the four rows of dw from 4 h on.
        let batch = m + lid.x % 4u;
        let quad = row + lid.x / 4u * 4u;
        eight(&sum, 0u, input(batch, quad), &b);
        eight(&sum, 8u, input(batch, quad + 8u), &b);
        eight(&sum, 16u, input(batch, quad + 16u), &b);
        eight(&sum, 24u, input(batch, quad + 24u), &b);
    }
    for (var i = 0u; i < 2u * min(ROWS, K - row); i++) {
        let at = column + i % 2u;
        if (at < N / 4u) { dw4[(row + i / 2u) * (N / 4u) + at] = sum[i]; }
    }
    if (row == 0u && column < N / 4u) { db4[column] = bias[0]; }
    if (row == 0u && column + 1u < N / 4u) { db4[column + 1u] = bias[1]; }
}

fn input(m: u32, row: u32) -> vec4<f32> { return x4[(m * K + min(row, K - 4u)) / 4u]; }

fn eight(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    var a = array<vec4<f32>, 4>();
    for (var i = 0u; i < 4u; i++) { a[i] = subgroupShuffle(own, i); }
    four(sum, first, &a, b);
    for (var i = 0u; i < 4u; i++) { a[i] = subgroupShuffle(own, i + 4u); }
    four(sum, first + 4u, &a, b);
}

fn four(sum: ptr<function, array<vec4<f32>, 64>>, first: u32, a: ptr<function, array<vec4<f32>, 4>>,
        b: ptr<function, array<vec4<f32>, 8>>) {
    for (var r = 0u; r < 4u; r++) {
        let at = 2u * (first + r);
        (*sum)[at] += (*a)[0][r] * (*b)[0] + (*a)[1][r] * (*b)[2] + (*a)[2][r] * (*b)[4] + (*a)[3][r] * (*b)[6];
        (*sum)[at + 1u] += (*a)[0][r] * (*b)[1] + (*a)[1][r] * (*b)[3] + (*a)[2][r] * (*b)[5] + (*a)[3][r] * (*b)[7];
    }
}
