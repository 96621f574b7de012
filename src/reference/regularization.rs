//! Penalties of tensors, and bounds that an update keeps.

use crate::op::twin::{EPSILON, Expected, Inputs, Outputs, Sum, flushed};

/// partials = Σ L1 · |w| + L2 · w² for each split: over every SPLITS-th element, starting at s
pub fn penalty_partials(i: &Inputs<'_>) -> Outputs {
    let (splits, w, l1, l2) = (i.size("SPLITS"), i.real("w"), i.number("L1"), i.number("L2"));
    let partials = (0..splits).map(|split| {
        let mut sum = Sum::exact(0.0);
        w.iter().skip(split).step_by(splits).for_each(|w| sum.add(l1 * w.abs() + l2 * w * w));
        // No term is below zero, and each has up to four roundings of its own.
        sum.widen(4.0 * EPSILON * sum.value)
    });
    vec![("partials", Expected::Real(partials.collect()))]
}

/// `results[slot]` loss += rows · Σ partials
pub fn add_penalty(i: &Inputs<'_>) -> Outputs {
    let mut results: Vec<Sum> = i.real("results").iter().map(|v| Sum::exact(*v)).collect();
    let at = 2 * (i.step.slot as usize).min(i.size("SLOTS") - 1);
    let mut penalty = Sum::new();
    i.real("partials").iter().for_each(|p| penalty.add(*p));
    let penalty = penalty.times(f64::from(i.step.rows));
    let mut loss = Sum::new();
    loss.add(i.real("results")[at]);
    loss.add(penalty.value);
    results[at] = loss.widen(penalty.allowed());
    vec![("results", Expected::Real(results))]
}

/// grad += L1 · sign(w) + 2 · L2 · w
pub fn penalize(i: &Inputs<'_>) -> Outputs {
    let (l1, l2) = (i.number("L1"), i.number("L2"));
    let grad = i.real("grad").iter().zip(i.real("w")).map(|(grad, w)| {
        let mut sum = Sum::new();
        sum.add(*grad);
        sum.add(if *w == 0.0 { 0.0 } else { l1 * w.signum() });
        sum.add(2.0 * l2 * w);
        sum
    });
    vec![("grad", Expected::Real(grad.collect()))]
}

/// norm = √Σ w² of a column; w *= ((1 - RATE) · norm + RATE · clamp(norm, LOW, HIGH)) / (norm + 1e-7)
pub fn constrain_norm(i: &Inputs<'_>) -> Outputs {
    let (columns, w) = (i.size("COLUMNS"), i.real("w"));
    let [low, high, rate] = ["LOW", "HIGH", "RATE"].map(|name| i.number(name));
    let factors: Vec<Sum> = (0..columns)
        .map(|column| {
            let mut sum = Sum::exact(0.0);
            w.iter().skip(column).step_by(columns).for_each(|w| sum.add(w * w));
            let factor = |sum: f64| {
                let norm = sum.max(0.0).sqrt();
                ((1.0 - rate) * norm + rate * norm.clamp(low, high)) / (norm + 1e-7)
            };
            let (value, off) = (factor(sum.value), sum.allowed());
            let [less, more] = [factor(sum.value - off), factor(sum.value + off)];
            let strayed = (less - value).abs().max((more - value).abs());
            Sum::within(value, strayed + 8.0 * EPSILON * less.max(more))
        })
        .collect();
    let scaled = w.iter().enumerate().map(|(n, w)| {
        let factor = factors[n % columns];
        // A factor far above one makes a lot of a subnormal number, which a device may take for zero.
        let lost = (w - flushed(*w)).abs() * factor.value;
        Sum::within(w * factor.value, w.abs() * (factor.allowed() + 2.0 * EPSILON * factor.value) + lost)
    });
    vec![("w", Expected::Real(scaled.collect()))]
}

/// w = max(w, 0)
pub fn constrain_sign(i: &Inputs<'_>) -> Outputs {
    vec![("w", Expected::Real(i.real("w").iter().map(|w| Sum::exact(w.max(0.0))).collect()))]
}
