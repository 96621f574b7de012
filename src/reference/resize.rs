//! Twins of operations that resize images.

use crate::op::twin::{EPSILON, Expected, Inputs, Sum};

/// For each pixel of an axis of `out`: the pixels of one of `len` that it lies between, with their shares.
fn shares(i: &Inputs<'_>, len: usize, out: usize) -> Vec<[(usize, f64); 2]> {
    let nearest = i.size("NEAREST") == 1;
    let of = |at: usize| {
        let place = (2 * at + 1) as f64 * len as f64 / (2 * out) as f64;
        if nearest {
            // A place on the edge of two pixels belongs to the second.
            return [((2 * at + 1) * len / (2 * out), 1.0), (0, 0.0)];
        }
        let place = (place - 0.5).max(0.0);
        let first = ((2 * at + 1) * len).saturating_sub(out) / (2 * out);
        let share = place - first as f64;
        [(first, 1.0 - share), ((first + 1).min(len - 1), share)]
    };
    (0..out).map(of).collect()
}

/// Visits each pixel of the output with each pixel of the input that it takes a share of.
fn pairs(i: &Inputs<'_>, mut each: impl FnMut(usize, usize, f64)) {
    let [n, h, w, oh, ow] = i.sizes(["N", "H", "W", "OH", "OW"]);
    let (down, right) = (shares(i, h, oh), shares(i, w, ow));
    for image in 0..n {
        for (y, rows) in down.iter().enumerate() {
            for (x, columns) in right.iter().enumerate() {
                for (row, of_row) in rows {
                    for (column, of_column) in columns {
                        let share = of_row * of_column;
                        each((image * oh + y) * ow + x, (image * h + row) * w + column, share);
                    }
                }
            }
        }
    }
}

/// The sums of shares of values; a share is a few roundings from its own.
fn sums(i: &Inputs<'_>, from: &[f64], count: usize, backward: bool) -> Vec<Sum> {
    let c = i.size("C");
    let mut sums = vec![Sum::new(); count * c];
    let mut off = vec![0.0; count * c];
    pairs(i, |output, input, share| {
        let (to, at) = if backward { (input, output) } else { (output, input) };
        for channel in 0..c {
            let value = from[at * c + channel];
            if share != 0.0 {
                sums[to * c + channel].add(share * value);
            }
            off[to * c + channel] += value.abs() * if share == 0.0 { 0.0 } else { 8.0 * EPSILON };
        }
    });
    sums.into_iter().zip(off).map(|(sum, off)| sum.widen(off)).collect()
}

/// y(N, OH, OW, C) = x at the centres of the pixels, between its own by distance, or the pixel that they are in
pub fn resize2d_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, oh, ow] = i.sizes(["N", "OH", "OW"]);
    vec![("y", Expected::Real(sums(i, i.real("x"), n * oh * ow, false)))]
}

/// dx(N, H, W, C) = the shares of dy that each pixel gave, times activate_grad(x)
pub fn resize2d_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, h, w] = i.sizes(["N", "H", "W"]);
    let sums = sums(i, i.real("dy"), n * h * w, true);
    let of = |(sum, x): (Sum, &f64)| sum.sloped(i.activation, *x);
    vec![("dx", Expected::Real(sums.into_iter().zip(i.real("x")).map(of).collect()))]
}
