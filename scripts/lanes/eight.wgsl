// y[row, column], whose lanes hand x round by eights and do not ask how many of them there are: scripts/lanes.sh expects it to
// be wrong at four.
// uses index
const TILE_N = 8u;
const TILE_M = 1u;

@compute @workgroup_size(8)
fn matmul(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let column = wid.x * 8u + lid.x;
    var sum = 0.0;
    for (var first = 0u; first < K; first += 8u) {
        let own = x[min(row, M - 1u) * K + min(first + lid.x, K - 1u)];
        for (var n = 0u; n < 8u; n++) {
            let handed = subgroupShuffle(own, n);
            if (first + n < K && column < N) { sum += handed * w[(first + n) * N + column]; }
        }
    }
    if (row < M && column < N) { y[row * N + column] = activate(sum + b[column]); }
}
