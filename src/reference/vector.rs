//! Twins of the losses that compare vectors with targets of numbers.

use super::{
    augment::partner,
    loss::{first_label, rows},
};
use crate::op::twin::{EPSILON, Expected, Inputs, Sum, flushed};

/// Loss and gradient of a row, each with its error.
struct Row {
    loss: Sum,
    slopes: Vec<Sum>,
}

/// The rows of a loss: their mean weighted by the weights of examples, zero beyond the batch.
fn of(i: &Inputs<'_>, row_of: impl Fn(&[f64], &[f64]) -> Row) -> Vec<(&'static str, Expected)> {
    let ([all, valid], columns, positions) = (rows(i), i.size("CLASSES"), i.size("POSITIONS").max(1));
    let first = i.step.first as usize;
    let number = |row, c| f64::from(f32::from_bits(i.batch.labels[first_label(i, row, columns) + c]));
    let mixed = if i.size("MIXUP") == 1 { f64::from(i.step.mixed) } else { 0.0 };
    let [mut loss, mut hit] = [(); 2].map(|()| vec![Sum::exact(0.0); all]);
    let mut dlogits = vec![Sum::exact(0.0); all * columns];
    for (row, y) in i.real("logits").chunks_exact(columns).enumerate().take(valid) {
        let other = partner(i, row / positions) * positions + row % positions;
        let target = |c: usize| match i.size("MIXUP") {
            1 => (1.0 - mixed) * number(row, c) + mixed * number(other, c),
            _ => number(row, c),
        };
        let target: Vec<f64> = (0..columns).map(target).collect();
        let weight = match i.size("WEIGHTED") {
            1 => i.real("examples")[first + row / positions],
            _ => 1.0,
        };
        let found = row_of(y, &target);
        loss[row] = found.loss.times(weight);
        for (to, slope) in dlogits[row * columns..].iter_mut().zip(found.slopes) {
            *to = slope.times(weight / valid as f64);
        }
        let largest = |row: &[f64], seen: fn(f64) -> f64| {
            (0..row.len()).reduce(|top, c| if seen(row[c]) > seen(row[top]) { c } else { top })
        };
        let [kept, other] = [|v| v, flushed].map(|seen: fn(f64) -> f64| {
            Sum::exact(f64::from(u8::from(largest(y, seen) == largest(&target, seen))))
        });
        // A mixture is rounded, so that equal numbers may differ.
        hit[row] = if mixed == 0.0 { kept.or(other) } else { Sum::within(kept.value, 1.0) };
    }
    vec![("dlogits", Expected::Real(dlogits)), ("loss", Expected::Real(loss)), ("hit", Expected::Real(hit))]
}

/// loss = w Σ t log(t / p), dlogits = - w t / p / rows, with t and p held within 1e-7 and 1
pub fn kl_divergence(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let least = f64::from(1e-7_f32);
    of(i, |y, target| {
        let mut loss = Sum::new();
        let (mut off, mut slopes) = (0.0, Vec::new());
        for (p, t) in y.iter().zip(target) {
            let (held, t) = (p.clamp(least, 1.0), t.clamp(least, 1.0));
            loss.add(t * t.ln());
            loss.add(-t * held.ln());
            // A logarithm near 0 is correct to a rounding of its argument.
            off += 8.0 * EPSILON * t * (2.0 + t.ln().abs() + held.ln().abs());
            let slope = if *p == held { -t / held } else { 0.0 };
            slopes.push(Sum::within(slope, 8.0 * EPSILON * slope.abs()));
        }
        Row { loss: loss.widen(off), slopes }
    })
}

/// loss = - w Σ t̂ ŷ, dlogits = - w (t̂ - ŷ Σ t̂ ŷ) / |y| / rows, where x̂ = x min(1 / |x|, 1e7)
pub fn cosine_similarity(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    of(i, |y, target| {
        let inverse = |row: &[f64]| {
            let mut squares = Sum::exact(0.0);
            row.iter().for_each(|x| squares.add(x * x));
            let inverse = (1.0 / squares.value.sqrt()).min(1e7);
            // Squares of small numbers may be flushed to zero, and half of their share goes into the root.
            let off = if squares.value > 0.0 { squares.allowed() / squares.value } else { 0.0 };
            (inverse, off + 8.0 * EPSILON)
        };
        let ((of_y, off_y), (of_t, off_t)) = (inverse(y), inverse(target));
        let mut cosine = Sum::new();
        y.iter().zip(target).for_each(|(y, t)| cosine.add(y * of_y * t * of_t));
        let size: f64 = y.iter().zip(target).map(|(y, t)| (y * of_y * t * of_t).abs()).sum();
        let cosine = cosine.widen((off_y + off_t) * size);
        let turned = if of_y < 1e7 { cosine.value } else { 0.0 };
        let slopes = y.iter().zip(target).map(|(y, t)| {
            let (along, across) = (y * of_y * turned, t * of_t);
            let off = (off_y + off_t + 8.0 * EPSILON) * (along.abs() + across.abs())
                + (y * of_y).abs() * cosine.allowed();
            Sum::within(-(across - along) * of_y, (off + (across - along).abs() * off_y) * of_y)
        });
        Row { loss: cosine.times(-1.0), slopes: slopes.collect() }
    })
}
