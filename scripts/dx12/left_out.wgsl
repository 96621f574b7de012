// y without the last term of each sum: scripts/dx12_proof.sh expects it to be refused on DX12.
// uses index
@compute @workgroup_size(64)
fn matmul(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
          @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let column = id.x;
    if (row >= M || column >= N) { return; }
    var sum = 0.0;
    for (var k = 0u; k + 1u < K; k++) {
        sum += x[row * K + k] * w[k * N + column];
    }
    y[row * N + column] = activate(sum + b[column]);
}
