// y[row, column], whose threads share a row of x through workgroup memory, with no barrier between stores and loads:
// scripts/races.sh expects its race to be reported.
// uses index
const TILE_N = 64u;
const TILE_M = 1u;
var<workgroup> shared_x: array<f32, 64>;

@compute @workgroup_size(64)
fn matmul(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let column = wid.x * 64u + lane;
    var sum = 0.0;
    for (var first = 0u; first < K; first += 64u) {
        if (row < M && first + lane < K) { shared_x[lane] = x[row * K + first + lane]; }
        for (var k = 0u; k < min(64u, K - first); k++) {
            if (column < N) { sum += shared_x[k] * w[(first + k) * N + column]; }
        }
    }
    if (row < M && column < N) { y[row * N + column] = activate(sum + b[column]); }
}
