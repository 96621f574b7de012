//! Twins of the losses with one output: binary cross-entropy, and the regression losses.

use super::loss::{right, rows as rows_of, targets};
use crate::op::twin::{EPSILON, Expected, Inputs, Sum, flushed};

/// Loss and its derivative at one row.
struct Point {
    loss: f64,
    slope: f64,
    /// Error that a correct f32 kernel may have in each.
    allowed: [f64; 2],
}

/// The loss of each valid row, its gradient over the rows, and a hit if `found` accepts its label; zero beyond.
fn rows(
    i: &Inputs<'_>,
    at: impl Fn(f64, [(usize, f64); 2]) -> Point,
    found: impl Fn(f64, usize) -> bool,
) -> Vec<(&'static str, Expected)> {
    let [rows, valid] = rows_of(i);
    let [mut dlogits, mut loss, mut hit] = [(); 3].map(|()| vec![Sum::exact(0.0); rows]);
    for (row, z) in i.real("logits").iter().enumerate().take(valid.min(rows)) {
        let Point { loss: value, slope, allowed } = at(*z, targets(i, row));
        loss[row] = Sum::within(value, allowed[0]);
        dlogits[row] = Sum::within(slope / valid as f64, allowed[1] / valid as f64);
        hit[row] =
            right(i, row, |label| found(*z, label)).or(right(i, row, |label| found(flushed(*z), label)));
    }
    vec![("dlogits", Expected::Real(dlogits)), ("loss", Expected::Real(loss)), ("hit", Expected::Real(hit))]
}

/// loss = w (log(1 + exp(z)) - t z), dlogits = w (sigmoid(z) - t) / rows, t the smoothed label; hit = (z > 0) == (t > 1/2)
pub fn binary_cross_entropy(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let smoothing = i.number("SMOOTHING");
    let at = |z: f64, labels: [(usize, f64); 2]| {
        let total: f64 = labels.iter().map(|(_, share)| share).sum();
        let ones: f64 = labels.iter().map(|(label, share)| share * share_of(i, *label)).sum();
        let target = (1.0 - smoothing) * ones + 0.5 * smoothing * total;
        let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
        let p = 1.0 / (1.0 + (-z).exp());
        // exp(-|z|) carries the rounding of its argument, and log near 1 is correct to a rounding of 1.
        let own = EPSILON * (16.0 + 4.0 * z.abs() * (-z.abs()).exp());
        let sizes = [total * (1.0 + softplus) + target.abs() * z.abs(), total + target.abs()];
        let loss = total * softplus - target * z;
        Point { loss, slope: total * p - target, allowed: sizes.map(|size| own * size) }
    };
    rows(i, at, |z, label| (z > 0.0) == (share_of(i, label) > 0.5))
}

/// The share of "1" in a label: 0 or 1, or any number where labels are floats.
fn share_of(i: &Inputs<'_>, label: usize) -> f64 {
    if i.size("REAL") == 1 { number(i, label) } else { f64::from(u8::from(label == 1)) }
}

/// The label as a number: an integer, or the bits of a float.
fn number(i: &Inputs<'_>, label: usize) -> f64 {
    if i.size("REAL") == 1 { f64::from(f32::from_bits(label as u32)) } else { label as f64 }
}

/// The mean of w f(logit - label) and its derivative; a hit is a logit that rounds to the label.
fn regression(
    i: &Inputs<'_>,
    value: impl Fn(f64) -> f64,
    slope: impl Fn(f64) -> f64,
) -> Vec<(&'static str, Expected)> {
    let at = |z: f64, labels: [(usize, f64); 2]| {
        let mut point = Point { loss: 0.0, slope: 0.0, allowed: [0.0; 2] };
        for (label, share) in labels {
            let label = number(i, label);
            let d = z - label;
            point.loss += share * value(d);
            point.slope += share * slope(d);
            // d is correct to a rounding of its operands.
            let off = 8.0 * EPSILON * (z.abs() + label.abs());
            point.allowed[0] += share * (off * slope(d).abs() + 8.0 * EPSILON * value(d));
            // A slope may jump at zero, and a subnormal d may be flushed to zero.
            let jump = (slope(flushed(d)) - slope(d)).abs();
            point.allowed[1] += share * (2.0 * off + 8.0 * EPSILON * slope(d).abs() + jump);
        }
        point
    };
    rows(i, at, |z, label| (z - number(i, label)).abs() < 0.5)
}

/// loss = w (z - label)²
pub fn mean_squared_error(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    regression(i, |d| d * d, |d| 2.0 * d)
}

/// loss = w |z - label|, with the slope 0 at the label
pub fn mean_absolute_error(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    regression(i, f64::abs, |d| if d == 0.0 { 0.0 } else { d.signum() })
}

/// loss = w d² / 2 where |d| = |z - label| <= DELTA, else w DELTA (|d| - DELTA / 2)
pub fn huber(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let delta = i.number("DELTA");
    let value = |d: f64| if d.abs() <= delta { 0.5 * d * d } else { delta * (d.abs() - 0.5 * delta) };
    regression(i, value, |d| d.clamp(-delta, delta))
}
