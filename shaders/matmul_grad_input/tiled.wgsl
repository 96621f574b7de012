// forward: y = x · w + b.
// For GPUs. 8 × 8 threads compute a 32 × 32 tile of dx, each 4 × 4 elements that lie 8 apart. DEPTH
// columns of dy and of w at a time, both along the units, are staged in workgroup memory; beyond the
// end they are zero.
const TILE_M = 32u;
const TILE_K = 32u;
const DEPTH = 8u; // a multiple of 8
// [n][ty] and [n][tx]: rows ty, ty + 8, ty + 16, ty + 24 of dy, and tx, .. of w. Rows of nine keep
// eight writers of different n in different banks.
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * 9u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 9u>;

fn dy_at(row: u32, n: u32) -> f32 {
    if (row < M && n < N) { return dy[row * N + n]; }
    return 0.0;
}

fn w_at(column: u32, n: u32) -> f32 {
    if (column < K && n < N) { return w[column * N + n]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < M && column < K) {
        let at = row * K + column;
        dx[at] = sum * activate_grad(x[at]);
    }
}

fn store_row(row: u32, column: u32, sums: vec4<f32>) {
    store(row, column, sums.x);
    store(row, column + 8u, sums.y);
    store(row, column + 16u, sums.z);
    store(row, column + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let top = (wid.y + wid.z * groups.y) * TILE_M;
    if (top >= M) { return; }
    let left = wid.x * TILE_K;
    let row = top + lid.y;
    let other = left + lid.y; // of w, while staging
    var sums = mat4x4<f32>();
    for (var start = 0u; start < N; start += DEPTH) {
        for (var d = lid.x; d < DEPTH; d += 8u) {
            let n = start + d;
            dy_tile[d * 9u + lid.y] =
                vec4<f32>(dy_at(row, n), dy_at(row + 8u, n), dy_at(row + 16u, n), dy_at(row + 24u, n));
            w_tile[d * 9u + lid.y] =
                vec4<f32>(w_at(other, n), w_at(other + 8u, n), w_at(other + 16u, n), w_at(other + 24u, n));
        }
        workgroupBarrier();
        for (var n = 0u; n < DEPTH; n++) {
            sums += outer(dy_tile[n * 9u + lid.y], w_tile[n * 9u + lid.x]);
        }
        workgroupBarrier();
    }
    let column = left + lid.x;
    store_row(row, column, sums[0]);
    store_row(row + 8u, column, sums[1]);
    store_row(row + 16u, column, sums[2]);
    store_row(row + 24u, column, sums[3]);
}
