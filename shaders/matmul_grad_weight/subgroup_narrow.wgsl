// forward: y = x · w + b.
// dw = xᵀ · dy, db = Σ dy for few units of any number, on CPU adapters. Lanes are inputs, in fours, so that none
// is idle where units are few; the lanes load one row of dy and hand it round (subgroupShuffle; where subgroups are
// narrower than eight, each loads it all itself).
// A workgroup is one tile of 32 inputs and 10 units; a thread has four inputs.
// needs K % 4 == 0
// uses index
const UNITS = 10u;
const TILE_K = 32u;
const TILE_N = UNITS;

@compute @workgroup_size(8)
fn matmul_grad_weight(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let quad = group_y(wid, groups) * (TILE_K / 4u) + lid.x;
    let column = wid.x * TILE_N;
    let safe = min(quad, K / 4u - 1u);
    var sum = array<vec4<f32>, UNITS>();
    var bias = array<f32, UNITS>();
    for (var m = 0u; m < M; m++) {
        let a = x4[m * (K / 4u) + safe];
        if (lanes < 8u) {
            for (var n = 0u; n < UNITS; n++) {
                let d = gradient(m, column + n);
                sum[n] += a * d;
                bias[n] += d;
            }
            continue;
        }
        let first = gradient(m, column + lid.x);
        let rest = gradient(m, column + 8u + lid.x % 2u);
        for (var n = 0u; n < 8u; n++) {
            sum[n] += a * subgroupShuffle(first, n);
            bias[n] += subgroupShuffle(first, n);
        }
        for (var n = 8u; n < UNITS; n++) {
            sum[n] += a * subgroupShuffle(rest, n - 8u);
            bias[n] += subgroupShuffle(rest, n - 8u);
        }
    }
    if (quad >= K / 4u) { return; }
    for (var n = 0u; n < min(UNITS, N - column); n++) {
        for (var i = 0u; i < 4u; i++) { dw[(4u * quad + i) * N + column + n] = sum[n][i]; }
        if (quad == 0u) { db[column + n] = bias[n]; }
    }
}

fn gradient(m: u32, n: u32) -> f32 { return dy[m * N + min(n, N - 1u)]; }
