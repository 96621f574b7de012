// forward: y[n, t, h] = Σ_s p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h])
// One thread a query.
// uses index
@compute @workgroup_size(64)
fn attention_grad_query(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * T * HEADS) { return; }
    let h = i % HEADS;
    let n = i / (HEADS * T);
    var whole = 0.0;
    for (var c = 0u; c < VALUE; c++) { whole += dy[i * VALUE + c] * y[i * VALUE + c]; }
    delta[i] = whole;
    for (var c = 0u; c < KEY; c++) { dq[i * KEY + c] = 0.0; }
    for (var s = 0u; s < seen_by(i / HEADS % T); s++) {
        let key = at_key(n, s, h);
        let share = exp(min(score(i, key) - stats[i], 0.0));
        var part = 0.0;
        for (var c = 0u; c < VALUE; c++) { part += dy[i * VALUE + c] * v[key * VALUE + c]; }
        let slope = SCALE * share * (part - whole);
        for (var c = 0u; c < KEY; c++) { dq[i * KEY + c] = dq[i * KEY + c] + slope * k[key * KEY + c]; }
    }
}
