// One thread an element of y.
// uses index
@compute @workgroup_size(64)
fn batch_dot(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let at = thread_x(wid, groups, lid);
    if (at >= N * I * J) { return; }
    let n = at / (I * J);
    let i = at / J % I;
    let j = at % J;
    let step_a = select(1u, I, A_TURNED == 1u);
    let step_b = select(1u, J, B_TURNED == 1u);
    let first = n * I * K + select(i * K, i, A_TURNED == 1u);
    var other = n * J * K + select(j * K, j, B_TURNED == 1u);
    var sum = 0.0;
    for (var place = first; place < first + K * step_a; place += step_a) {
        sum += a[place] * b[other];
        other += step_b;
    }
    y[at] = sum;
}
