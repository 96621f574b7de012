//! Twins of the grouped convolution, with dilation, and of its gradients; of average pools and padding.
//! Layout NHWC, weights HWIO with the channels of one group.

use super::windows;
use crate::op::twin::{Expected, Inputs, Sum};

const KERNEL: [&str; 2] = ["KH", "KW"];
const WINDOW: [&str; 2] = ["PH", "PW"];

/// y(N, OH, OW, CO) = activate(x ∗ w + b), filter co of group co / COG
pub fn grouped_conv2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, ci, co, cig, cog] = i.sizes(["N", "OH", "OW", "CI", "CO", "CIG", "COG"]);
    let (x, w, b) = (i.real("x"), i.real("w"), i.real("b"));
    let mut y: Vec<Sum> = (0..n * oh * ow * co).map(|at| Sum::of(b[at % co])).collect();
    windows(i, KERNEL, |to, from, tap| {
        for filter in 0..co {
            for inner in 0..cig {
                let x = x[from * ci + filter / cog * cig + inner];
                y[to * co + filter].add(x * w[(tap * cig + inner) * co + filter]);
            }
        }
    });
    vec![("y", Expected::Real(y.into_iter().map(|sum| sum.through(i.activation)).collect()))]
}

/// dx(N, H, W, CI) = (dy ∗ᵀ w) * activate_grad(x)
pub fn grouped_conv2d_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, h, w_in, ci, co, cig, cog] = i.sizes(["N", "H", "W", "CI", "CO", "CIG", "COG"]);
    let (dy, w, x) = (i.real("dy"), i.real("w"), i.real("x"));
    let mut dx = vec![Sum::new(); n * h * w_in * ci];
    windows(i, KERNEL, |to, from, tap| {
        for filter in 0..co {
            for inner in 0..cig {
                let sum = &mut dx[from * ci + filter / cog * cig + inner];
                sum.add(dy[to * co + filter] * w[(tap * cig + inner) * co + filter]);
            }
        }
    });
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(|(sum, x)| sum.sloped(i.activation, *x)).collect()))]
}

/// partials(SPLITS, KH·KW·CIG + 1, CO): each split's share of dw, with its share of db as the last row
pub fn grouped_conv2d_grad_weight(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [oh, ow, ci, co, cig, cog, splits, per] =
        i.sizes(["OH", "OW", "CI", "CO", "CIG", "COG", "SPLITS", "PER"]);
    let taps = i.size("KH") * i.size("KW") * cig;
    let (x, dy) = (i.real("x"), i.real("dy"));
    let mut partial = vec![Sum::new(); splits * (taps + 1) * co];
    let split_of = |to: usize| to / (oh * ow) / per;
    for (at, d) in dy.iter().enumerate() {
        partial[(split_of(at / co) * (taps + 1) + taps) * co + at % co].add(*d);
    }
    windows(i, KERNEL, |to, from, tap| {
        for filter in 0..co {
            for inner in 0..cig {
                let row = split_of(to) * (taps + 1) + tap * cig + inner;
                partial[row * co + filter]
                    .add(x[from * ci + filter / cog * cig + inner] * dy[to * co + filter]);
            }
        }
    });
    vec![("partials", Expected::Real(partial))]
}

/// Number of pixels that each window covers.
fn covered(i: &Inputs<'_>) -> Vec<f64> {
    let [n, oh, ow] = i.sizes(["N", "OH", "OW"]);
    let mut covered = vec![0.0; n * oh * ow];
    windows(i, WINDOW, |to, _, _| covered[to] += 1.0);
    covered
}

/// y(N, OH, OW, C) = the mean of what each window covers
pub fn average_pool2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let c = i.size("C");
    let (x, covered) = (i.real("x"), covered(i));
    let mut y = vec![Sum::new(); covered.len() * c];
    windows(i, WINDOW, |to, from, _| {
        y[to * c..][..c].iter_mut().zip(&x[from * c..]).for_each(|(sum, x)| sum.add(*x));
    });
    let mean = |(at, sum): (usize, Sum)| sum.times(1.0 / covered[at / c].max(1.0));
    vec![("y", Expected::Real(y.into_iter().enumerate().map(mean).collect()))]
}

/// dx(N, H, W, C) = Σ dy / (pixels covered) of the windows that hold it, times activate_grad(x)
pub fn average_pool2d_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, h, w, c] = i.sizes(["N", "H", "W", "C"]);
    let (dy, x, covered) = (i.real("dy"), i.real("x"), covered(i));
    let mut dx = vec![Sum::new(); n * h * w * c];
    windows(i, WINDOW, |to, from, _| {
        dx[from * c..][..c].iter_mut().zip(&dy[to * c..]).for_each(|(sum, d)| sum.add(d / covered[to]));
    });
    vec![("dx", Expected::Real(dx.into_iter().zip(x).map(|(sum, x)| sum.sloped(i.activation, *x)).collect()))]
}

/// The index in the padded image of element `at` of the inner image.
fn inside(i: &Inputs<'_>, at: usize) -> usize {
    let [h, w, c, oh, ow, pt, pl] = i.sizes(["H", "W", "C", "OH", "OW", "PT", "PL"]);
    let row = at / c;
    ((row / (h * w) * oh + row / w % h + pt) * ow + row % w + pl) * c + at % c
}

/// y(N, OH, OW, C) = x with zeros round it
pub fn pad2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow, c] = i.sizes(["N", "OH", "OW", "C"]);
    let mut y = vec![Sum::new(); n * oh * ow * c];
    i.real("x").iter().enumerate().for_each(|(at, x)| y[inside(i, at)] = Sum::exact(*x));
    vec![("y", Expected::Real(y))]
}

/// dx(N, H, W, C) = dy inside the padding, times activate_grad(x)
pub fn pad2d_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let dy = i.real("dy");
    let of = |(at, x): (usize, &f64)| Sum::of(dy[inside(i, at)]).sloped(i.activation, *x);
    vec![("dx", Expected::Real(i.real("x").iter().enumerate().map(of).collect()))]
}
