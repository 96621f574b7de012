// Scaled dot products of attention (Vaswani et al., 2017), and what a softmax makes of them where its logarithm is known.
fn at_query(n: u32, t: u32, h: u32) -> u32 { return (n * T + t) * HEADS + h; }

fn at_key(n: u32, s: u32, h: u32) -> u32 { return (n * S + s) * HEADS + h; }

// Keys that query t sees.
fn seen_by(t: u32) -> u32 { return select(S, min(t + 1u, S), CAUSAL == 1u); }

// What dropout makes of the share of key s (Srivastava et al., 2014): nothing, or 1 / (1 - rate) of it. A step of more than
// 2^32 shares draws some numbers twice.
fn kept(query: u32, s: u32) -> f32 {
    if (THRESHOLD == 0u) { return 1.0; }
    return select(KEPT, 0.0, random(STREAM, of_step(query, ROWS * T * HEADS) * S + s) < THRESHOLD);
}

fn score(query: u32, key: u32) -> f32 {
    var sum = 0.0;
    var other = key * KEY;
    for (var at = query * KEY; at < query * KEY + KEY; at++) {
        sum += q[at] * k[other];
        other++;
    }
    return SCALE * sum;
}
