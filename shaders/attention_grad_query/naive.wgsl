// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// One thread a query.
// uses index
@compute @workgroup_size(64)
fn attention_grad_query(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * T * HEADS) { return; }
    let h = i % HEADS;
    let n = i / (HEADS * T);
    let first = i * VALUE;
    var whole = 0.0;
    for (var at = first; at < first + VALUE; at++) { whole += dy[at] * y[at]; }
    delta[i] = whole;
    let query = i * KEY;
    for (var at = query; at < query + KEY; at++) { dq[at] = 0.0; }
    for (var s = 0u; s < seen_by(i / HEADS % T); s++) {
        let key = at_key(n, s, h);
        let share = exp(min(score(i, key) - stats[i], 0.0));
        var part = 0.0;
        var value = key * VALUE;
        for (var at = first; at < first + VALUE; at++) {
            part += dy[at] * v[value];
            value++;
        }
        let slope = SCALE * share * (kept(i, s) * part - whole);
        var other = key * KEY;
        for (var at = query; at < query + KEY; at++) {
            dq[at] = dq[at] + slope * k[other];
            other++;
        }
    }
}
