// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// One thread a value.
// uses index
@compute @workgroup_size(64)
fn attention_grad_value(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                        @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * S * HEADS) { return; }
    let h = i % HEADS;
    let s = i / HEADS % S;
    let n = i / (HEADS * S);
    let first = i * VALUE;
    for (var at = first; at < first + VALUE; at++) { dv[at] = 0.0; }
    for (var t = 0u; t < T; t++) {
        if (s >= seen_by(t)) { continue; }
        let query = at_query(n, t, h);
        let share = exp(min(score(query, i) - stats[query], 0.0)) * kept(query, s);
        var other = query * VALUE;
        for (var at = first; at < first + VALUE; at++) {
            dv[at] = dv[at] + share * dy[other];
            other++;
        }
    }
}
