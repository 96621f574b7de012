// y = activate(x · w + b) for few units of any number, such as the ten of a classifier, on CPU adapters.
// Lanes are rows, so that none is idle where columns are few: each reads vec4s of its own rows of x, and the lanes
// load the weights once and hand them round (subgroupShuffle; where subgroups are narrower than eight, each loads
// them all itself).
// A workgroup is one tile of 16 rows and 10 units; a thread has two rows.
// needs K % 4 == 0
// uses index
const UNITS = 10u;
const TILE_M = 16u;
const TILE_N = UNITS;

@compute @workgroup_size(8)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_M + lid.x; // and the eighth row after it
    let column = wid.x * TILE_N;
    let low = min(row, M - 1u) * (K / 4u);
    let high = min(row + 8u, M - 1u) * (K / 4u);
    var sum = array<vec2<f32>, UNITS>();
    for (var k = 0u; k < K / 4u; k++) {
        let a = x4[low + k];
        let c = x4[high + k];
        for (var i = 0u; i < 4u; i++) {
            if (lanes < 8u) {
                for (var n = 0u; n < UNITS; n++) { sum[n] += vec2(a[i], c[i]) * weight(4u * k + i, column + n); }
                continue;
            }
            let first = weight(4u * k + i, column + lid.x);
            let rest = weight(4u * k + i, column + 8u + lid.x % 2u);
            for (var n = 0u; n < 8u; n++) { sum[n] += vec2(a[i], c[i]) * subgroupShuffle(first, n); }
            for (var n = 8u; n < UNITS; n++) { sum[n] += vec2(a[i], c[i]) * subgroupShuffle(rest, n - 8u); }
        }
    }
    for (var n = 0u; n < min(UNITS, N - column); n++) {
        let bias = b[column + n];
        if (row < M) { y[row * N + column + n] = activate(sum[n].x + bias); }
        if (row + 8u < M) { y[(row + 8u) * N + column + n] = activate(sum[n].y + bias); }
    }
}

fn weight(k: u32, n: u32) -> f32 { return w[k * N + min(n, N - 1u)]; }
