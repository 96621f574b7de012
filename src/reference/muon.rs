//! Twins of Muon's operations, except the products that it shares with the layers.

use super::optimizer::{Outputs, adam_step, descend, gradients, over_range, shift};
use crate::op::twin::{EPSILON, Expected, Inputs, SUBNORMAL, Sum, flushed};

/// Where factor > 0: m = μ · m + g; grad = NESTEROV ? g + μ · m : m
pub fn muon_momentum(i: &Inputs<'_>) -> Outputs {
    let (momentum, nesterov) = (i.number("MOMENTUM") + shift(i), i.size("NESTEROV") == 1);
    let (factor, old) = (i.real("factor"), i.real("m"));
    let (mut grad, mut m) = (Vec::new(), Vec::new());
    for (n, g) in gradients(i).into_iter().enumerate() {
        let (kept_grad, kept_m) = (Sum::exact(i.real("grad")[n]), Sum::exact(old[n]));
        if factor[n] == 0.0 {
            grad.push(kept_grad);
            m.push(kept_m);
            continue;
        }
        // A subnormal factor may count as zero.
        let either = |found: Sum, kept: Sum| if flushed(factor[n]) == 0.0 { found.or(kept) } else { found };
        let sum = |value: f64, term: Sum| {
            let size = value.abs() + term.value.abs();
            Sum::within(value + term.value, term.allowed() + 4.0 * EPSILON * size)
        };
        let next = sum(momentum * old[n], g);
        let found = if nesterov { sum(g.value, next.times(momentum)).widen(g.allowed()) } else { next };
        grad.push(either(found, kept_grad));
        m.push(either(next, kept_m));
    }
    vec![("grad", Expected::Real(grad)), ("m", Expected::Real(m))]
}

/// scale = 1 / (√Σ partials + EPSILON)
pub fn inverse_norm(i: &Inputs<'_>) -> Outputs {
    let mut sum = Sum::exact(0.0);
    i.real("partials").iter().for_each(|p| sum.add(*p));
    let epsilon = i.number("EPSILON");
    vec![("scale", Expected::Real(vec![over_range(sum, |sum| 1.0 / (sum.sqrt() + epsilon))]))]
}

/// y = x · scale
pub fn scaled(i: &Inputs<'_>) -> Outputs {
    let scale = i.real("scale").first().copied().unwrap_or(f64::NAN);
    vec![("y", Expected::Real(i.real("x").iter().map(|x| Sum::of(x * scale)).collect()))]
}

/// p = A · I + B · g + C · g²
pub fn newton_schulz(i: &Inputs<'_>) -> Outputs {
    let (size, [a, b, c]) = (i.size("SIZE"), ["A", "B", "C"].map(|name| i.number(name)));
    let entries = i.real("g").iter().zip(i.real("squared")).enumerate().map(|(n, (g, squared))| {
        let mut sum = Sum::of(if n / size == n % size { a } else { 0.0 });
        sum.add(b * g);
        sum.add(c * squared);
        // If a subnormal g or g · g is flushed to zero, that much times its factor is missing.
        sum.widen(SUBNORMAL * (b.abs() + c.abs()))
    });
    vec![("p", Expected::Real(entries.collect()))]
}

/// Where factor > 0: p = p - lr · (WEIGHT_DECAY · p + factor · grad); elsewhere as `adam`
pub fn muon(i: &Inputs<'_>) -> Outputs {
    let gains = [i.number("GAIN_1"), i.number("GAIN_2")];
    let (mut parameter, mut means, mut squares) = (Vec::new(), Vec::new(), Vec::new());
    for (n, g) in gradients(i).into_iter().enumerate() {
        let [p, m, v, grad, factor] = ["parameter", "m", "v", "grad", "factor"].map(|name| i.real(name)[n]);
        let adam = adam_step(i, gains, m, v, g);
        let (direction, m, v) = match factor == 0.0 {
            true => adam,
            false => {
                let own = (Sum::exact(grad).times(factor), Sum::exact(m), Sum::exact(v));
                // A subnormal factor may count as zero.
                let may = flushed(factor) == 0.0;
                if may { (own.0.or(adam.0), own.1.or(adam.1), own.2.or(adam.2)) } else { own }
            }
        };
        parameter.push(descend(i, p, direction));
        means.push(m);
        squares.push(v);
    }
    let [parameter, means, squares] = [parameter, means, squares].map(Expected::Real);
    vec![("parameter", parameter), ("m", means), ("v", squares)]
}
