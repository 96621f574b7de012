// forward: y = x · w + b. One thread an element of dw; those of its first row sum db too.
// uses index
@compute @workgroup_size(64)
fn matmul_grad_weight(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                      @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let column = id.x;
    if (row >= K || column >= N) { return; }
    var sum = 0.0;
    var bias = 0.0;
    for (var m = 0u; m < M; m++) {
        let d = dy[m * N + column];
        sum += x[m * K + row] * d;
        bias += d;
    }
    dw[row * N + column] = sum;
    if (row == 0u) { db[column] = bias; }
}
