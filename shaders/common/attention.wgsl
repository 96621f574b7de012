// Scaled dot products of attention (Vaswani et al., 2017), and what a softmax makes of them where its logarithm is known.
fn at_query(n: u32, t: u32, h: u32) -> u32 { return (n * T + t) * HEADS + h; }

fn at_key(n: u32, s: u32, h: u32) -> u32 { return (n * S + s) * HEADS + h; }

// Keys that query t sees.
fn seen_by(t: u32) -> u32 { return select(S, min(t + 1u, S), CAUSAL == 1u); }

fn score(query: u32, key: u32) -> f32 {
    var sum = 0.0;
    var other = key * KEY;
    for (var at = query * KEY; at < query * KEY + KEY; at++) {
        sum += q[at] * k[other];
        other++;
    }
    return SCALE * sum;
}
