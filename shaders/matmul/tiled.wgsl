// For GPUs. 8 × 8 threads compute a 32 × 32 tile of y, each 4 × 4 elements that lie 8 apart, so that
// neighbouring threads load and store neighbouring columns. DEPTH columns of x and rows of w at a time
// are staged in workgroup memory; beyond the end they are zero.
const TILE_M = 32u;
const TILE_N = 32u;
const DEPTH = 8u; // a multiple of 8
// [k][ty]: rows ty, ty + 8, ty + 16, ty + 24. A row of nine keeps eight writers of different k in different
// banks.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 9u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 8u>; // [k][tx]: columns tx, tx + 8, tx + 16, tx + 24

fn x_at(row: u32, k: u32) -> f32 {
    if (row < M && k < K) { return x[row * K + k]; }
    return 0.0;
}

fn w_at(k: u32, column: u32) -> f32 {
    if (k < K && column < N) { return w[k * N + column]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < M && column < N) { y[row * N + column] = activate(sum + b[column]); }
}

fn store_row(row: u32, column: u32, sums: vec4<f32>) {
    store(row, column, sums.x);
    store(row, column + 8u, sums.y);
    store(row, column + 16u, sums.z);
    store(row, column + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (wid.y + wid.z * groups.y) * TILE_M;
    if (first >= M) { return; }
    let row = first + lid.y;
    let left = wid.x * TILE_N + lid.x;
    var sums = mat4x4<f32>();
    for (var start = 0u; start < K; start += DEPTH) {
        for (var d = 0u; d < DEPTH; d += 8u) {
            let kx = start + d + lid.x;
            x_tile[(d + lid.x) * 9u + lid.y] =
                vec4<f32>(x_at(row, kx), x_at(row + 8u, kx), x_at(row + 16u, kx), x_at(row + 24u, kx));
            let kw = start + d + lid.y;
            w_tile[(d + lid.y) * 8u + lid.x] =
                vec4<f32>(w_at(kw, left), w_at(kw, left + 8u), w_at(kw, left + 16u), w_at(kw, left + 24u));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(x_tile[k * 9u + lid.y], w_tile[k * 8u + lid.x]);
        }
        workgroupBarrier();
    }
    store_row(row, left, sums[0]);
    store_row(row + 8u, left, sums[1]);
    store_row(row + 16u, left, sums[2]);
    store_row(row + 24u, left, sums[3]);
}
