// forward: y = x · w + b.
// For GPUs. 8 × 8 threads compute a 32 × 32 tile of dw, each 4 × 4 elements that lie 8 apart. DEPTH rows
// of x and dy at a time, both along the batch, are staged in workgroup memory; beyond the end they are
// zero. The workgroups of the first rows of dw sum db too.
const TILE_K = 32u;
const TILE_N = 32u;
const DEPTH = 8u; // a multiple of 8
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 8u>;  // [m][ty]: rows ty, ty + 8, ty + 16, ty + 24 of dw
var<workgroup> dy_tile: array<vec4<f32>, DEPTH * 8u>; // [m][tx]: columns tx, tx + 8, tx + 16, tx + 24

fn x_at(m: u32, row: u32) -> f32 {
    if (m < M && row < K) { return x[m * K + row]; }
    return 0.0;
}

fn dy_at(m: u32, column: u32) -> f32 {
    if (m < M && column < N) { return dy[m * N + column]; }
    return 0.0;
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, column: u32, sum: f32) {
    if (row < K && column < N) { dw[row * N + column] = sum; }
}

fn store_row(row: u32, column: u32, sums: vec4<f32>) {
    store(row, column, sums.x);
    store(row, column + 8u, sums.y);
    store(row, column + 16u, sums.z);
    store(row, column + 24u, sums.w);
}

@compute @workgroup_size(8, 8)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let top = (wid.y + wid.z * groups.y) * TILE_K;
    if (top >= K) { return; }
    let other = top + lid.x; // row of dw, while staging
    let column = wid.x * TILE_N + lid.x;
    var sums = mat4x4<f32>();
    var bias = vec4<f32>();
    for (var start = 0u; start < M; start += DEPTH) {
        for (var d = lid.y; d < DEPTH; d += 8u) {
            let m = start + d;
            x_tile[d * 8u + lid.x] =
                vec4<f32>(x_at(m, other), x_at(m, other + 8u), x_at(m, other + 16u), x_at(m, other + 24u));
            dy_tile[d * 8u + lid.x] = vec4<f32>(
                dy_at(m, column), dy_at(m, column + 8u), dy_at(m, column + 16u), dy_at(m, column + 24u));
        }
        workgroupBarrier();
        for (var m = 0u; m < DEPTH; m++) {
            sums += outer(x_tile[m * 8u + lid.y], dy_tile[m * 8u + lid.x]);
        }
        if (top == 0u) {
            for (var m = 0u; m < DEPTH; m++) { bias += dy_tile[m * 8u + lid.x]; }
        }
        workgroupBarrier();
    }
    let row = top + lid.y;
    store_row(row, column, sums[0]);
    store_row(row + 8u, column, sums[1]);
    store_row(row + 16u, column, sums[2]);
    store_row(row + 24u, column, sums[3]);
    if (row == 0u) {
        if (column < N) { db[column] = bias.x; }
        if (column + 8u < N) { db[column + 8u] = bias.y; }
        if (column + 16u < N) { db[column + 16u] = bias.z; }
        if (column + 24u < N) { db[column + 24u] = bias.w; }
    }
}
