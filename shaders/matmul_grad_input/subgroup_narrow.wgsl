// forward: y = x · w + b.
// dx = (dy · wᵀ) * activate_grad(x) for few units of any number, on CPU adapters: one unit at a time over
// 40 rows, whose dy the lanes load and hand round (subgroupShuffle; where subgroups are narrower than eight, each
// loads it all itself). 40 and not 32 rows: loops of up to 32 are unrolled, and the stores then take seconds to compile.
// A workgroup is one tile of 40 rows and 32 inputs; a thread has one vec4 of inputs for all rows.
// needs K % 4 == 0
// uses index, activate4
const ROWS = 40u;
const TILE_M = ROWS;
const TILE_K = 32u;

@compute @workgroup_size(8)
fn matmul_grad_input(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let row = group_y(wid, groups) * TILE_M;
    if (row >= M) { return; }
    let column = wid.x * 8u + lid.x;
    let safe = min(column, K / 4u - 1u) * 4u * N;
    var sum = array<vec4<f32>, ROWS>();
    for (var n = 0u; n < N; n++) {
        let b = vec4(w[safe + n], w[safe + N + n], w[safe + 2u * N + n], w[safe + 3u * N + n]);
        if (lanes < 8u) {
            for (var r = 0u; r < ROWS; r++) { sum[r] += gradient(row + r, n) * b; }
            continue;
        }
        for (var r = 0u; r < ROWS; r += 8u) {
            let own = gradient(row + r + lid.x, n);
            for (var i = 0u; i < 8u; i++) { sum[r + i] += subgroupShuffle(own, i) * b; }
        }
    }
    if (column >= K / 4u) { return; }
    for (var r = 0u; r < min(ROWS, M - row); r++) {
        let at = (row + r) * (K / 4u) + column;
        dx4[at] = sum[r] * activate_grad4(x4[at]);
    }
}

fn gradient(row: u32, n: u32) -> f32 { return dy[min(row, M - 1u) * N + n]; }
