// Gradients of attention, of one query or one key, number after number.
// dq of query i, one number after the other.
fn grad_of_query(i: u32) {
    let h = i % HEADS;
    let n = i / (HEADS * T);
    let first = i * VALUE;
    let query = i * KEY;
    for (var at = query; at < query + KEY; at++) { dq[at] = 0.0; }
    for (var s = 0u; s < seen_by(i / HEADS % T); s++) {
        let key = at_key(n, s, h);
        let share = exp(min(score(i, key) - sums[2u * i], 0.0));
        var part = 0.0;
        var value = key * VALUE;
        for (var at = first; at < first + VALUE; at++) {
            part += dy[at] * v[value];
            value++;
        }
        let slope = SCALE * share * (kept(i, s) * part - sums[2u * i + 1u]);
        var other = key * KEY;
        for (var at = query; at < query + KEY; at++) {
            dq[at] = dq[at] + slope * k[other];
            other++;
        }
    }
}

// dk and dv of key i.
fn grad_of_key(i: u32) {
    let h = i % HEADS;
    let s = i / HEADS % S;
    let n = i / (HEADS * S);
    let key = i * KEY;
    let value = i * VALUE;
    for (var at = key; at < key + KEY; at++) { dk[at] = 0.0; }
    for (var at = value; at < value + VALUE; at++) { dv[at] = 0.0; }
    for (var t = 0u; t < T; t++) {
        if (s >= seen_by(t)) { continue; }
        let query = at_query(n, t, h);
        let share = exp(min(score(query, i) - sums[2u * query], 0.0));
        let part_of = kept(query, s);
        var part = 0.0;
        var output = query * VALUE;
        for (var at = value; at < value + VALUE; at++) {
            part += dy[output] * v[at];
            dv[at] = dv[at] + share * part_of * dy[output];
            output++;
        }
        let slope = SCALE * share * (part_of * part - sums[2u * query + 1u]);
        var other = query * KEY;
        for (var at = key; at < key + KEY; at++) {
            dk[at] = dk[at] + slope * q[other];
            other++;
        }
    }
}
