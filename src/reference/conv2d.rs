//! Twins of the two-dimensional convolution, its gradients, and the ordered second pass.
//! Layout NHWC, weights HWIO. The convolution and its gradients visit the same list of (output, input, tap) triples.

use super::windows;
use crate::op::twin::{Expected, Inputs, Sum};

/// The names of a kernel's height and width.
const KERNEL: [&str; 2] = ["KH", "KW"];

/// y(N, OH, OW, CO) = activate(x ∗ w + b)
pub fn conv2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, ci, co] = i.sizes(["N", "OH", "OW", "CI", "CO"]);
    let (x, w, b) = (i.real("x"), i.real("w"), i.real("b"));
    let mut y: Vec<Sum> = (0..n * oh * ow * co).map(|at| Sum::of(b[at % co])).collect();
    windows(i, KERNEL, |to, from, tap| {
        let sums = &mut y[to * co..][..co];
        for (inner, x) in x[from * ci..][..ci].iter().enumerate() {
            let row = &w[(tap * ci + inner) * co..][..co];
            sums.iter_mut().zip(row).for_each(|(sum, w)| sum.add(x * w));
        }
    });
    vec![("y", Expected::Real(y.into_iter().map(|sum| sum.through(i.activation)).collect()))]
}

/// dx(N, H, W, CI) = (dy ∗ᵀ w) * activate_grad(x)
pub fn conv2d_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, h, w_in, ci, co] = i.sizes(["N", "H", "W", "CI", "CO"]);
    let (dy, w, x) = (i.real("dy"), i.real("w"), i.real("x"));
    let mut dx = vec![Sum::new(); n * h * w_in * ci];
    windows(i, KERNEL, |to, from, tap| {
        let dy = &dy[to * co..][..co];
        for (inner, sum) in dx[from * ci..][..ci].iter_mut().enumerate() {
            let row = &w[(tap * ci + inner) * co..][..co];
            dy.iter().zip(row).for_each(|(d, w)| sum.add(d * w));
        }
    });
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(|(sum, x)| sum.sloped(i.activation, *x)).collect()))]
}

/// partials(SPLITS, KH·KW·CI + 1, CO): each split's share of dw, with its share of db as the last row
pub fn conv2d_grad_weight(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [oh, ow, ci, co, splits, per] = i.sizes(["OH", "OW", "CI", "CO", "SPLITS", "PER"]);
    let taps = i.size("KH") * i.size("KW") * ci;
    let (x, dy) = (i.real("x"), i.real("dy"));
    let mut partial = vec![Sum::new(); splits * (taps + 1) * co];
    let split_of = |to: usize| to / (oh * ow) / per;
    for (at, d) in dy.iter().enumerate() {
        partial[(split_of(at / co) * (taps + 1) + taps) * co + at % co].add(*d);
    }
    windows(i, KERNEL, |to, from, tap| {
        let dy = &dy[to * co..][..co];
        for (inner, x) in x[from * ci..][..ci].iter().enumerate() {
            let row = split_of(to) * (taps + 1) + tap * ci + inner;
            partial[row * co..][..co].iter_mut().zip(dy).for_each(|(sum, d)| sum.add(x * d));
        }
    });
    vec![("partials", Expected::Real(partial))]
}

/// dw(TAPS, CO), db(CO) = Σ over the splits of partials(SPLITS, TAPS + 1, CO)
pub fn sum_partials(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [splits, taps, co] = i.sizes(["SPLITS", "TAPS", "CO"]);
    let partial = i.real("partials");
    let mut dw = vec![Sum::new(); (taps + 1) * co];
    for split in 0..splits {
        for (at, sum) in dw.iter_mut().enumerate() {
            sum.add(partial[split * (taps + 1) * co + at]);
        }
    }
    let db = dw.split_off(taps * co);
    vec![("dw", Expected::Real(dw)), ("db", Expected::Real(db))]
}
