//! Twins of softmax, softmax cross-entropy and the metrics.

use super::augment::partner;
use crate::op::twin::{EPSILON, Expected, Inputs, SUBNORMAL, Sum, flushed};

/// Softmax of one row, and Σ exp(x - max).
fn softmax(row: &[f64]) -> (Vec<f64>, f64) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    (powers.iter().map(|p| p / sum).collect(), sum)
}

/// Relative error that a correct f32 softmax of this row may have: exp in f32 carries the rounding of
/// its argument (Vulkan: 3 + 2|x| units in the last place), and the sum of the row its own.
fn spread(row: &[f64]) -> f64 {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let reach = row.iter().map(|x| (top - x).abs()).fold(0.0, f64::max).min(88.0);
    let mut sum = Sum::new();
    row.iter().for_each(|x| sum.add((x - top).exp()));
    EPSILON * (16.0 + 4.0 * reach) + sum.allowed() / sum.value
}

/// y(ROWS, CLASSES) = softmax of each row
pub fn softmax_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let rows = i.real("x").chunks_exact(i.size("CLASSES"));
    let y = rows
        .flat_map(|row| {
            let own = spread(row);
            softmax(row).0.into_iter().map(move |p| Sum::within(p, own * p + SUBNORMAL))
        })
        .collect();
    vec![("y", Expected::Real(y))]
}

/// dx = y · (dy - Σ dy · y), row by row
pub fn softmax_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let classes = i.size("CLASSES");
    let rows = i.real("dy").chunks_exact(classes).zip(i.real("y").chunks_exact(classes));
    let dx = rows
        .flat_map(|(dy, y)| {
            let mut dot = Sum::new();
            dy.iter().zip(y).for_each(|(d, y)| dot.add(-d * y));
            dy.iter()
                .zip(y)
                .map(move |(d, y)| {
                    let mut sum = dot;
                    sum.add(*d);
                    sum.times(*y)
                })
                .collect::<Vec<_>>()
        })
        .collect();
    vec![("dx", Expected::Real(dx))]
}

/// Rows of a loss, and those that are of images of the batch: each image has POSITIONS of them.
pub(super) fn rows(i: &Inputs<'_>) -> [usize; 2] {
    let positions = i.size("POSITIONS").max(1);
    [i.size("ROWS") * positions, i.step.rows as usize * positions]
}

/// Place in the chunk's labels of the first of a row, of `each` labels.
pub(super) fn first_label(i: &Inputs<'_>, row: usize, each: usize) -> usize {
    let (positions, first) = (i.size("POSITIONS").max(1), i.step.first as usize);
    match i.size("LABELS") {
        0 => (first * positions + row) * each,
        all => (first + row / positions) * all + i.size("FROM") + row % positions * each,
    }
}

/// Targets of a row: its label and its partner's, each with its share times the weights of its class and its example.
pub(super) fn targets(i: &Inputs<'_>, row: usize) -> [(usize, f64); 2] {
    targets_by(i, row, |label| label)
}

/// As [`targets`], for labels that stand for a class by `class`.
fn targets_by(i: &Inputs<'_>, row: usize, class: impl Fn(usize) -> usize) -> [(usize, f64); 2] {
    let (positions, first) = (i.size("POSITIONS").max(1), i.step.first as usize);
    let label = |row: usize| i.batch.labels[first_label(i, row, 1)] as usize;
    let mixed = if i.size("MIXUP") == 1 { f64::from(i.step.mixed) } else { 0.0 };
    let partner = partner(i, row / positions) * positions + row % positions;
    let (own, other) = (label(row), label(partner));
    let example = |row: usize| match i.size("WEIGHTED") {
        1 => i.real("examples")[first + row / positions],
        _ => 1.0,
    };
    // The last weight applies to all further classes.
    let weight = |label: usize| i.real("weights")[class(label).min(i.size("CLASSES") - 1)];
    let (of_own, of_other) = (example(row), example(partner));
    [(own, (1.0 - mixed) * weight(own) * of_own), (other, mixed * weight(other) * of_other)]
}

/// The correct share of a row: the sum of the shares of its labels that are `found`.
pub(super) fn right(i: &Inputs<'_>, row: usize, found: impl Fn(usize) -> bool) -> Sum {
    let mixed = if i.size("MIXUP") == 1 { f64::from(i.step.mixed) } else { 0.0 };
    let [(own, _), (other, _)] = targets(i, row);
    let share = |label, share: f64| if found(label) { share } else { 0.0 };
    let value = share(own, 1.0 - mixed) + share(other, mixed);
    if mixed == 0.0 { Sum::exact(value) } else { Sum::within(value, 4.0 * EPSILON) }
}

impl Sum {
    /// This value, or another that is equally correct.
    pub(super) fn or(self, other: Self) -> Self {
        let apart = (other.value - self.value).abs();
        if apart == 0.0 { self } else { self.widen(apart + other.allowed()) }
    }
}

/// The class that a label is: a whole number, or one in a float.
fn class_of(i: &Inputs<'_>, label: usize) -> usize {
    if i.size("REAL") == 1 { f32::from_bits(label as u32) as usize } else { label }
}

/// `t = Σ shares of the labels, smoothed; loss = Σ_c t_c (log Σ exp(logits) - logits[c]);
/// dlogits = (Σ t · softmax - t) / rows; hit = the share of the label that has the first largest logit`
pub fn softmax_cross_entropy(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let ([rows, valid], classes) = (rows(i), i.size("CLASSES"));
    let smoothing = i.number("SMOOTHING");
    let mut dlogits = vec![Sum::exact(0.0); rows * classes];
    let mut loss = vec![Sum::exact(0.0); rows];
    let mut hit = vec![Sum::exact(0.0); rows];
    for (r, row) in i.real("logits").chunks_exact(classes).enumerate().take(valid) {
        let labels =
            targets_by(i, r, |label| class_of(i, label)).map(|(label, share)| (class_of(i, label), share));
        let total: f64 = labels.iter().map(|(_, share)| share).sum();
        let mut target = vec![smoothing / classes as f64 * total; classes];
        labels.iter().for_each(|(label, share)| target[*label] += (1.0 - smoothing) * share);
        let (p, sum) = softmax(row);
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own = spread(row);
        for c in 0..classes {
            let allowed = (total * (own * p[c] + 2.0 * EPSILON) + 8.0 * EPSILON * target[c]) / valid as f64;
            dlogits[r * classes + c] = Sum::within((total * p[c] - target[c]) / valid as f64, allowed);
        }
        let mut met = Sum::new();
        target.iter().zip(row).for_each(|(t, x)| met.add(t * (top - x)));
        let size = total * (sum.ln() + 1.0) + met.value;
        loss[r] = Sum::within(total * sum.ln() + met.value, own * size + met.allowed());
        // The first of the largest logits, as they are and with subnormal ones flushed to zero.
        let first = |seen: fn(f64) -> f64| row.iter().position(|x| seen(*x) == seen(top));
        let [kept, other] =
            [|v| v, flushed].map(|seen| right(i, r, |label| first(seen) == Some(class_of(i, label))));
        hit[r] = kept.or(other);
    }
    vec![("dlogits", Expected::Real(dlogits)), ("loss", Expected::Real(loss)), ("hit", Expected::Real(hit))]
}

/// loss = Σ losses / POSITIONS of each row, and hit likewise
pub fn position_means(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let positions = i.size("POSITIONS");
    let means = |name: &str| {
        let rows = i.real(name).chunks_exact(positions).map(|row| {
            let mut sum = Sum::new();
            row.iter().for_each(|value| sum.add(*value));
            sum.times(1.0 / positions as f64)
        });
        Expected::Real(rows.collect())
    };
    vec![("loss", means("losses")), ("hit", means("hits"))]
}

/// `results[slot] = (Σ loss, Σ hit)`
pub fn sum_metrics(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let mut results: Vec<Sum> = i.real("results").iter().map(|v| Sum::exact(*v)).collect();
    let (mut losses, mut hits) = (Sum::new(), Sum::new());
    i.real("loss").iter().for_each(|v| losses.add(*v));
    i.real("hit").iter().for_each(|v| hits.add(*v));
    let at = 2 * (i.step.slot as usize).min(i.size("SLOTS") - 1);
    results[at] = losses;
    results[at + 1] = hits;
    vec![("results", Expected::Real(results))]
}
