// y = activate(x · w + b): `subgroup` by tiles of 64 rows and 64 columns, for the same bits.
// For CPU adapters, where loads are dear: eight lanes share 16 loads for the 2048 products of a tile of 64 × 64 × 4, which
// are 24 by tiles of half the height. The code is as much longer, and takes three times as long to compile.
// A workgroup is one tile; a thread has two vec4 columns of all its rows.
// needs N % 64 == 0, K % 4 == 0
// uses index, activate4
// case M=70,N=64,K=12
// case M=5,N=128,K=8
const ROWS = 64u;
const TILE_M = ROWS;
const TILE_N = 64u;

@compute @workgroup_size(8)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_M;
    if (row >= M) { return; }
    let column = (wid.x * 8u + lid.x) * 2u;
    var sum = array<vec4<f32>, 128>();
    for (var k = 0u; k < K / 4u; k++) {
        var b = array<vec4<f32>, 8>();
        for (var i = 0u; i < 4u; i++) {
            b[2u * i] = w4[(4u * k + i) * (N / 4u) + column];
            b[2u * i + 1u] = w4[(4u * k + i) * (N / 4u) + column + 1u];
        }
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) { add(&sum, r, input(row + r, k), &b); }
            continue;
        }
        eight(&sum, 0u, input(row + 0u + lid.x, k), &b);
        eight(&sum, 8u, input(row + 8u + lid.x, k), &b);
        eight(&sum, 16u, input(row + 16u + lid.x, k), &b);
        eight(&sum, 24u, input(row + 24u + lid.x, k), &b);
        eight(&sum, 32u, input(row + 32u + lid.x, k), &b);
        eight(&sum, 40u, input(row + 40u + lid.x, k), &b);
        eight(&sum, 48u, input(row + 48u + lid.x, k), &b);
        eight(&sum, 56u, input(row + 56u + lid.x, k), &b);
    }
    for (var i = 0u; i < 2u * min(ROWS, M - row); i++) {
        let at = column + i % 2u;
        y4[(row + i / 2u) * (N / 4u) + at] = activate4(sum[i] + b4[at]);
    }
}

fn input(row: u32, k: u32) -> vec4<f32> { return x4[min(row, M - 1u) * (K / 4u) + k]; }

fn eight(sum: ptr<function, array<vec4<f32>, 128>>, first: u32, own: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    for (var r = 0u; r < 8u; r++) { add(sum, first + r, subgroupShuffle(own, r), b); }
}

fn add(sum: ptr<function, array<vec4<f32>, 128>>, row: u32, a: vec4<f32>, b: ptr<function, array<vec4<f32>, 8>>) {
    (*sum)[2u * row] += a.x * (*b)[0] + a.y * (*b)[2] + a.z * (*b)[4] + a.w * (*b)[6];
    (*sum)[2u * row + 1u] += a.x * (*b)[1] + a.y * (*b)[3] + a.z * (*b)[5] + a.w * (*b)[7];
}
