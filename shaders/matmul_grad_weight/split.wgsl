// forward: y = x · w + b.
// For GPUs where dw is small and the batch is long, so that tiles alone leave most of a GPU idle: SPLITS threads share
// the batch of an element, every SPLITS-th row each, and their sums are added in workgroup memory, always in the same
// order. A workgroup computes TILE_K rows and TILE_N columns of dw; a thread sums its share for one column and all
// rows. The workgroups of the first rows sum db too.
// uses index
const TILE_K = 4u; // one of 4, 8: rows of a workgroup
const TILE_N = 16u; // one of 8, 16, 32: columns of a workgroup
const SPLITS = 16u; // one of 4, 8, 16, 32: threads that share the batch
const QUADS = TILE_K / 4u;
const_assert TILE_N * SPLITS >= 32u;
const_assert TILE_N * SPLITS <= 256u;
const_assert 16u * SPLITS * QUADS * TILE_N + 4u * SPLITS * TILE_N <= 16384u;
var<workgroup> parts: array<vec4<f32>, SPLITS * QUADS * TILE_N>; // [split][four rows][column]
var<workgroup> bias_parts: array<f32, SPLITS * TILE_N>; // [split][column]

fn x_at(m: u32, row: u32) -> f32 { return x[m * K + min(row, K - 1u)]; }

@compute @workgroup_size(TILE_N, SPLITS)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_y(wid, groups) * TILE_K;
    if (first >= K) { return; }
    let column = wid.x * TILE_N + lid.x;
    let safe = min(column, N - 1u);
    var sums = array<vec4<f32>, QUADS>();
    var bias = 0.0;
    for (var m = lid.y; m < M; m += SPLITS) {
        let d = dy[m * N + safe];
        bias += d;
        for (var q = 0u; q < QUADS; q++) {
            let row = first + 4u * q;
            sums[q] += d * vec4<f32>(x_at(m, row), x_at(m, row + 1u), x_at(m, row + 2u), x_at(m, row + 3u));
        }
    }
    for (var q = 0u; q < QUADS; q++) { parts[(lid.y * QUADS + q) * TILE_N + lid.x] = sums[q]; }
    bias_parts[lid.y * TILE_N + lid.x] = bias;
    workgroupBarrier();
    for (var r = lid.y; r < TILE_K; r += SPLITS) {
        var sum = 0.0;
        for (var s = 0u; s < SPLITS; s++) { sum += parts[(s * QUADS + r / 4u) * TILE_N + lid.x][r % 4u]; }
        if (first + r < K && column < N) { dw[(first + r) * N + column] = sum; }
    }
    if (first == 0u && lid.y == 0u && column < N) {
        var sum = 0.0;
        for (var s = 0u; s < SPLITS; s++) { sum += bias_parts[s * TILE_N + lid.x]; }
        db[column] = sum;
    }
}
