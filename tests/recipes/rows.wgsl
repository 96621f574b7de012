// One thread computes a whole row of y.
// uses index
const TILE_N = 0x100000u; // one workgroup covers all columns

@compute @workgroup_size(1)
fn matmul(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    if (row >= M) { return; }
    for (var column = 0u; column < N; column++) {
        var sum = b[column];
        for (var k = 0u; k < K; k++) { sum += x[row * K + k] * w[k * N + column]; }
        y[row * N + column] = activate(sum);
    }
}
