// For GPUs where rows and columns are few and K is long, so that tiles alone leave most of a GPU idle: SPLITS threads
// share the K of an element, every SPLITS-th place each, and their sums are added in workgroup memory, always in the
// same order. A workgroup computes TILE_M rows and TILE_N columns; a thread sums its share for one column and all rows.
// uses index
const TILE_M = 4u; // one of 4, 8, 16: rows of a workgroup
const TILE_N = 16u; // one of 8, 16, 32: columns of a workgroup
const SPLITS = 16u; // one of 4, 8, 16, 32: threads that share K
const QUADS = TILE_M / 4u;
const_assert TILE_N * SPLITS >= 32u;
const_assert TILE_N * SPLITS <= 256u;
const_assert 16u * SPLITS * QUADS * TILE_N <= 16384u;
var<workgroup> parts: array<vec4<f32>, SPLITS * QUADS * TILE_N>; // [split][four rows][column]

fn x_at(row: u32, k: u32) -> f32 { return x[min(row, M - 1u) * K + k]; }

@compute @workgroup_size(TILE_N, SPLITS)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_M;
    if (first >= M) { return; }
    let column = wid.x * TILE_N + lid.x;
    let safe = min(column, N - 1u);
    var sums = array<vec4<f32>, QUADS>();
    for (var k = lid.y; k < K; k += SPLITS) {
        let weight = w[k * N + safe];
        for (var q = 0u; q < QUADS; q++) {
            let row = first + 4u * q;
            sums[q] += weight * vec4<f32>(x_at(row, k), x_at(row + 1u, k), x_at(row + 2u, k), x_at(row + 3u, k));
        }
    }
    for (var q = 0u; q < QUADS; q++) { parts[(lid.y * QUADS + q) * TILE_N + lid.x] = sums[q]; }
    workgroupBarrier();
    for (var r = lid.y; r < TILE_M; r += SPLITS) {
        var sum = 0.0;
        for (var s = 0u; s < SPLITS; s++) { sum += parts[(s * QUADS + r / 4u) * TILE_N + lid.x][r % 4u]; }
        if (first + r < M && column < N) { y[(first + r) * N + column] = activate(sum + b[column]); }
    }
}
