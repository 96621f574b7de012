// forward: y = x · w + b. One thread an element of dx.
// uses index
@compute @workgroup_size(64)
fn matmul_grad_input(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_y(wid, groups);
    let column = id.x;
    if (row >= M || column >= K) { return; }
    var sum = 0.0;
    for (var n = 0u; n < N; n++) {
        sum += dy[row * N + n] * w[column * N + n];
    }
    let at = row * K + column;
    dx[at] = sum * activate_grad(x[at]);
}
