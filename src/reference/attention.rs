//! Twins of attention and its gradients.

use super::elementwise::random;
use crate::op::twin::{EPSILON, Expected, Inputs, Outputs, Sum};

/// Sizes and tensors of an attention.
struct Attention<'a> {
    inputs: &'a Inputs<'a>,
    rows: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    key: usize,
    value: usize,
    scale: f64,
    causal: bool,
    q: &'a [f64],
    k: &'a [f64],
    v: &'a [f64],
    dy: &'a [f64],
}

/// Below this, exp may be 0. SwiftShader's is from e^-87.2 on, a little above the least number that is not subnormal.
const LEAST: f64 = 2.0 * f32::MIN_POSITIVE as f64;

/// A share of the softmax, its error, and what dropout multiplies it by.
struct Share {
    key: usize,
    share: f64,
    off: f64,
    kept: f64,
}

/// Part `at` of a tensor that is cut into parts of `len`.
fn part(of: &[f64], at: usize, len: usize) -> &[f64] {
    &of[at * len..(at + 1) * len]
}

/// Σ a · b
fn dot(a: &[f64], b: &[f64]) -> Sum {
    let mut sum = Sum::new();
    a.iter().zip(b).for_each(|(a, b)| sum.add(a * b));
    sum
}

impl<'a> Attention<'a> {
    fn of(i: &'a Inputs<'_>) -> Self {
        let [rows, heads, queries, keys, key, value] = i.sizes(["ROWS", "HEADS", "T", "S", "KEY", "VALUE"]);
        let (scale, causal) = (i.number("SCALE"), i.size("CAUSAL") == 1);
        let [q, k, v, dy] = ["q", "k", "v", "dy"].map(|name| i.real(name));
        Self { inputs: i, rows, heads, queries, keys, key, value, scale, causal, q, k, v, dy }
    }

    /// The pairs of a query and a key that it sees, of one head of one row, by query.
    fn pairs(&self) -> impl Iterator<Item = (usize, Vec<usize>)> + '_ {
        let at =
            move |row: usize, of: usize, place: usize, head: usize| (row * of + place) * self.heads + head;
        (0..self.rows).flat_map(move |row| {
            (0..self.queries).flat_map(move |t| {
                (0..self.heads).map(move |head| {
                    let seen = if self.causal { (t + 1).min(self.keys) } else { self.keys };
                    let keys = (0..seen).map(|s| at(row, self.keys, s, head)).collect();
                    (at(row, self.queries, t, head), keys)
                })
            })
        })
    }

    /// What dropout multiplies the share of the key at `place` by: 0, or 1 / (1 - rate).
    fn kept(&self, query: usize, place: usize) -> f64 {
        let [stream, threshold] = ["STREAM", "THRESHOLD"].map(|name| self.inputs.number(name) as u32);
        // Indices wrap as those of a shader do.
        let [rows, queries, heads] = self.inputs.sizes(["ROWS", "T", "HEADS"]);
        let query = self.inputs.step.index_in_step(query, rows * queries * heads);
        let index = query.wrapping_mul(self.keys as u32).wrapping_add(place as u32);
        match threshold {
            0 => 1.0,
            _ if random(&self.inputs.step, stream, index) < threshold => 0.0,
            _ => self.inputs.number("KEPT"),
        }
    }

    /// The score of a key, and its error.
    fn score(&self, query: usize, key: usize) -> (f64, f64) {
        let sum = dot(part(self.q, query, self.key), part(self.k, key, self.key)).times(self.scale);
        (sum.value, sum.allowed())
    }

    /// The shares that follow from the logarithm of their sum.
    fn shares(&self, query: usize, keys: Vec<usize>, stats: &[f64]) -> Vec<Share> {
        let found = keys.into_iter().enumerate().map(|(place, key)| {
            let (score, off) = self.score(query, key);
            let behind = (score - stats[query]).min(0.0);
            let off = off + EPSILON * (8.0 + 4.0 * behind.abs().min(88.0) + 2.0 * stats[query].abs());
            let share = behind.exp();
            Share {
                key,
                share,
                off: if off > 0.1 { 1.0 } else { share * 2.0 * off + LEAST },
                kept: self.kept(query, place),
            }
        });
        found.collect()
    }

    /// share · (kept · dy · v - delta), and its error.
    fn slope(&self, query: usize, share: &Share, delta: Sum) -> (f64, f64) {
        let whole = dot(part(self.dy, query, self.value), part(self.v, share.key, self.value));
        let whole = if share.kept == 1.0 { whole } else { whole.times(share.kept) };
        let apart = whole.value - delta.value;
        let size = whole.value.abs() + delta.value.abs();
        let off = whole.allowed() + delta.allowed() + 2.0 * EPSILON * size;
        (
            share.share * apart,
            share.off * (size + off) + share.share * off + 4.0 * EPSILON * share.share * size,
        )
    }
}

/// Sums of vectors, each of which has a factor with an error.
struct Sums {
    sums: Vec<Sum>,
    off: Vec<f64>,
    len: usize,
}

impl Sums {
    fn new(count: usize, len: usize) -> Self {
        Self { sums: vec![Sum::new(); count * len], off: vec![0.0; count * len], len }
    }

    /// Adds factor · vector to place `at`.
    fn add(&mut self, at: usize, (factor, off): (f64, f64), vector: &[f64]) {
        for (c, x) in vector.iter().enumerate() {
            self.sums[at * self.len + c].add(factor * x);
            self.off[at * self.len + c] += (off + 2.0 * EPSILON * factor.abs()) * x.abs();
        }
    }

    fn expected(self, scale: f64) -> Expected {
        let all = self.sums.into_iter().zip(self.off).map(|(sum, off)| sum.widen(off).times(scale));
        Expected::Real(all.collect())
    }
}

/// y = Σ m softmax(SCALE q k) v, m of dropout, stats = log Σ exp(SCALE q k)
pub fn attention_forward(i: &Inputs<'_>) -> Outputs {
    let a = Attention::of(i);
    let mut y = Sums::new(a.rows * a.queries * a.heads, a.value);
    let mut stats = vec![Sum::new(); a.rows * a.queries * a.heads];
    for (query, keys) in a.pairs() {
        let scores: Vec<(f64, f64)> = keys.iter().map(|key| a.score(query, *key)).collect();
        let top = scores.iter().map(|(score, _)| *score).fold(f64::NEG_INFINITY, f64::max);
        let worst = scores.iter().map(|(_, off)| *off).fold(0.0, f64::max);
        let reach = scores.iter().map(|(score, _)| top - score).fold(0.0, f64::max).min(88.0);
        let sum: f64 = scores.iter().map(|(score, _)| (score - top).exp()).sum();
        // exp in f32 carries the rounding of its argument; the sum is rescaled with each larger score.
        let off = 2.0 * worst + EPSILON * (24.0 + 8.0 * reach + 2.0 * scores.len() as f64);
        for (place, (key, (score, _))) in keys.iter().zip(&scores).enumerate() {
            let share = (score - top).exp() / sum;
            let off = if off > 0.1 { 1.0 } else { share * 2.0 * off + LEAST };
            let kept = a.kept(query, place);
            y.add(query, (kept * share, kept * off), part(a.v, *key, a.value));
        }
        let log = top + sum.ln();
        stats[query] = Sum::within(log, worst + off.min(8.0) + 4.0 * EPSILON * (log.abs() + top.abs()));
    }
    vec![("y", y.expected(1.0)), ("stats", Expected::Real(stats))]
}

/// stats, and delta = dy · y
pub fn attention_grad_delta(i: &Inputs<'_>) -> Outputs {
    let [rows, heads, queries, value] = i.sizes(["ROWS", "HEADS", "T", "VALUE"]);
    let [dy, y, stats] = ["dy", "y", "stats"].map(|name| i.real(name));
    let of = |query| [Sum::exact(stats[query]), dot(part(dy, query, value), part(y, query, value))];
    vec![("sums", Expected::Real((0..rows * queries * heads).flat_map(of).collect()))]
}

/// dq = SCALE Σ_s p (m dy · v - delta) k, dk = SCALE Σ_t p (m dy · v - delta) q, dv = Σ_t m p dy, p = exp(SCALE q k - stats)
pub fn attention_grad(i: &Inputs<'_>) -> Outputs {
    let a = Attention::of(i);
    let (stats, delta): (Vec<f64>, Vec<f64>) =
        i.real("sums").chunks(2).map(|sums| (sums[0], sums[1])).unzip();
    let [queries, keys] = [a.queries, a.keys].map(|steps| a.rows * steps * a.heads);
    let [mut dq, mut dk, mut dv] =
        [(queries, a.key), (keys, a.key), (keys, a.value)].map(|(count, len)| Sums::new(count, len));
    for (query, keys) in a.pairs() {
        for share in a.shares(query, keys, &stats) {
            let slope = a.slope(query, &share, Sum::exact(delta[query]));
            dq.add(query, slope, part(a.k, share.key, a.key));
            dk.add(share.key, slope, part(a.q, query, a.key));
            let Share { key, share, off, kept } = share;
            dv.add(key, (kept * share, kept * off), part(a.dy, query, a.value));
        }
    }
    vec![("dq", dq.expected(a.scale)), ("dk", dk.expected(a.scale)), ("dv", dv.expected(1.0))]
}

#[cfg(test)]
mod tests {
    use crate::{
        feed::{Batch, Step},
        kernels::ATTENTION_FORWARD,
        op::{
            Sizes,
            activations::LINEAR,
            sizes::parse_sizes,
            twin::{Data, Inputs, values},
        },
    };

    /// y of random queries, keys and values at `case`, in step `number`.
    fn output(case: &str, number: u64) -> Vec<f64> {
        let sizes: Sizes = parse_sizes(case).expect("sizes").into_iter().collect();
        let random = |from: usize, len: usize| {
            let of =
                |n: usize| (crate::feed::split_mix((from + n) as u64) >> 40) as f64 / 2f64.powi(23) - 1.0;
            Data::Real((0..len).map(of).collect())
        };
        let [q, k, v] =
            [(0, 2 * 5 * 4), (100, 2 * 6 * 4), (200, 2 * 6 * 3)].map(|(from, len)| random(from, len));
        let inputs = Inputs {
            sizes: &sizes,
            buffers: [("q", &q), ("k", &k), ("v", &v)].into(),
            activation: &LINEAR,
            step: Step::default().keyed(3, number),
            batch: &Batch::default(),
        };
        let y = ATTENTION_FORWARD.twin(&inputs).remove(0).1;
        match values(y) {
            Data::Real(y) => y,
            Data::Index(y) => panic!("{y:?}"),
        }
    }

    #[test]
    fn the_mean_over_many_draws_is_attention_without_dropout() {
        const SIZES: &str = "ROWS=1,HEADS=2,T=5,S=6,KEY=4,VALUE=3,SCALE=0.5";
        const DRAWS: u64 = 4000;
        let plain = output(SIZES, 0);
        let (mut mean, mut square) = (vec![0.0; plain.len()], vec![0.0; plain.len()]);
        let dropping = format!("{SIZES},STREAM=4,THRESHOLD={},KEPT={}", 1u64 << 30, 4.0 / 3.0);
        for number in 0..DRAWS {
            for (at, y) in output(&dropping, number).into_iter().enumerate() {
                mean[at] += y / DRAWS as f64;
                square[at] += y * y / DRAWS as f64;
            }
        }
        for ((mean, square), plain) in mean.into_iter().zip(square).zip(plain) {
            let deviation = ((square - mean * mean) / DRAWS as f64).sqrt();
            assert!(deviation > 0.0, "nothing is dropped");
            assert!((mean - plain).abs() < 4.5 * deviation, "{mean} ± {deviation}, expected {plain}");
        }
    }

    #[test]
    fn layers_steps_queries_and_keys_draw_numbers_of_their_own() {
        let sizes = |stream: u32| {
            format!(
                "ROWS=1,HEADS=2,T=5,S=6,KEY=4,VALUE=3,SCALE=0.5,STREAM={stream},THRESHOLD=2147483648,KEPT=2"
            )
        };
        let first = output(&sizes(4), 1);
        assert_eq!(first, output(&sizes(4), 1), "a backward pass draws the same again");
        assert_ne!(first, output(&sizes(5), 1));
        assert_ne!(first, output(&sizes(4), 2));
    }
}
