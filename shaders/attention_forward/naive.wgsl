// One thread a query. The first pass over the keys finds the largest score and the sum of the powers, the second sums the values.
// uses index
@compute @workgroup_size(64)
fn attention_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= ROWS * T * HEADS) { return; }
    let h = i % HEADS;
    let t = i / HEADS % T;
    let n = i / (HEADS * T);
    let seen = seen_by(t);
    var top = score(i, at_key(n, 0u, h));
    var sum = 1.0;
    for (var s = 1u; s < seen; s++) {
        let x = score(i, at_key(n, s, h));
        let higher = max(top, x);
        sum = sum * exp(top - higher) + exp(x - higher);
        top = higher;
    }
    let first = i * VALUE;
    for (var at = first; at < first + VALUE; at++) { y[at] = 0.0; }
    for (var s = 0u; s < seen; s++) {
        let key = at_key(n, s, h);
        let share = exp(score(i, key) - top) / sum * kept(i, s);
        var value = key * VALUE;
        for (var at = first; at < first + VALUE; at++) {
            y[at] = y[at] + share * v[value];
            value++;
        }
    }
    stats[i] = top + log(sum);
}
