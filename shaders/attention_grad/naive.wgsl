// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// One thread a query or a key.
// uses index
@compute @workgroup_size(64)
fn attention_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    let queries = ROWS * T * HEADS;
    if (i < queries) {
        grad_of_query(i);
    } else if (i - queries < ROWS * S * HEADS) {
        grad_of_key(i - queries);
    }
}
