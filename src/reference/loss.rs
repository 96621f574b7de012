//! Twins of softmax, softmax cross-entropy and the metrics.

use super::{EPSILON, Expected, Inputs, Sum};

/// Softmax of one row, and Σ exp(x - max).
fn softmax(row: &[f64]) -> (Vec<f64>, f64) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    (powers.iter().map(|p| p / sum).collect(), sum)
}

/// How far a right f32 softmax of this row may be off, relative: exp in f32 carries the rounding of
/// its argument (Vulkan: 3 + 2|x| units in the last place).
fn spread(row: &[f64]) -> f64 {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let reach = row.iter().map(|x| (top - x).abs()).fold(0.0, f64::max).min(88.0);
    EPSILON * (16.0 + 4.0 * reach + (row.len() as f64).sqrt())
}

/// y(ROWS, CLASSES) = softmax of each row
pub fn softmax_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let rows = i.real("x").chunks_exact(i.size("CLASSES"));
    let y = rows
        .flat_map(|row| {
            let own = spread(row);
            softmax(row).0.into_iter().map(move |p| Sum::within(p, own * p + f64::from(f32::MIN_POSITIVE)))
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

/// `loss = log Σ exp(logits) - logits[label]; dlogits = (softmax - onehot) / rows; hit = first largest is the label`
pub fn softmax_cross_entropy(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [rows, classes] = i.sizes(["ROWS", "CLASSES"]);
    let valid = i.step.rows as usize;
    let mut dlogits = vec![Sum::exact(0.0); rows * classes];
    let mut loss = vec![Sum::exact(0.0); rows];
    let mut hit = vec![Sum::exact(0.0); rows];
    for (r, row) in i.real("logits").chunks_exact(classes).enumerate().take(valid) {
        let label = i.batch.labels[i.step.first as usize + r] as usize;
        let (p, sum) = softmax(row);
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own = spread(row);
        for c in 0..classes {
            let target = f64::from(u8::from(c == label));
            let allowed = (own * p[c] + 2.0 * EPSILON) / valid as f64;
            dlogits[r * classes + c] = Sum::within((p[c] - target) / valid as f64, allowed);
        }
        let size = sum.ln() + (row[label] - top).abs() + 1.0;
        loss[r] = Sum::within(sum.ln() - (row[label] - top), own * size);
        let first = row.iter().position(|x| *x == top);
        hit[r] = Sum::exact(f64::from(u8::from(first == Some(label))));
    }
    vec![("dlogits", Expected::Real(dlogits)), ("loss", Expected::Real(loss)), ("hit", Expected::Real(hit))]
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
