// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// One thread a query.
// uses index
@compute @workgroup_size(64)
fn attention_grad_delta(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * T * HEADS) { return; }
    var whole = 0.0;
    for (var at = i * VALUE; at < i * VALUE + VALUE; at++) { whole += dy[at] * y[at]; }
    sums[2u * i] = stats[i];
    sums[2u * i + 1u] = whole;
}
