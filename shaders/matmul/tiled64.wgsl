// For large GPUs and products: as `tiled`, but 16 × 16 threads compute a 64 × 64 tile of y, so that each
// staged number is used twice as often. A thread has four neighbouring columns, loaded and stored as one
// vec4, of four rows that lie 16 apart. DEPTH columns of x and rows of w at a time are staged in workgroup
// memory; beyond the end they are zero.
const TILE_M = 64u;
const TILE_N = 64u;
const DEPTH = 16u; // as many as threads in a row
// [k][ty]: rows ty, ty + 16, ty + 32, ty + 48. A row of 17 keeps eight writers of different k in different
// banks.
var<workgroup> x_tile: array<vec4<f32>, DEPTH * 17u>;
var<workgroup> w_tile: array<vec4<f32>, DEPTH * 16u>; // [k][tx]: columns 4 tx .. 4 tx + 3

fn x_at(row: u32, k: u32) -> f32 {
    if (row < M && k < K) { return x[row * K + k]; }
    return 0.0;
}

fn w_at(k: u32, column: u32) -> vec4<f32> {
    if (k < K && column < N) { return w4[(k * N + column) / 4u]; }
    return vec4<f32>();
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn store(row: u32, column: u32, sums: vec4<f32>) {
    if (row < M && column < N) {
        let z = sums + b4[column / 4u];
        y4[(row * N + column) / 4u] = vec4<f32>(activate(z.x), activate(z.y), activate(z.z), activate(z.w));
    }
}

@compute @workgroup_size(16, 16)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (wid.y + wid.z * groups.y) * TILE_M;
    if (first >= M) { return; }
    let row = first + lid.y;
    let column = wid.x * TILE_N + 4u * lid.x;
    var sums = mat4x4<f32>();
    for (var start = 0u; start < K; start += DEPTH) {
        let kx = start + lid.x;
        x_tile[lid.x * 17u + lid.y] =
            vec4<f32>(x_at(row, kx), x_at(row + 16u, kx), x_at(row + 32u, kx), x_at(row + 48u, kx));
        w_tile[lid.y * 16u + lid.x] = w_at(start + lid.y, column);
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            sums += outer(x_tile[k * 17u + lid.y], w_tile[k * 16u + lid.x]);
        }
        workgroupBarrier();
    }
    store(row, column, sums[0]);
    store(row + 16u, column, sums[1]);
    store(row + 32u, column, sums[2]);
    store(row + 48u, column, sums[3]);
}
