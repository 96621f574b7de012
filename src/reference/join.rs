//! Twins of operations that join layers, and of the split of their gradients.

use crate::op::twin::{Expected, Inputs, Sum};

/// y = activate(a + b)
pub fn add(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let sum = |(a, b): (&f64, &f64)| {
        let mut sum = Sum::new();
        sum.add(*a);
        sum.add(*b);
        sum.through(i.activation)
    };
    vec![("y", Expected::Real(i.real("a").iter().zip(i.real("b")).map(sum).collect()))]
}

/// y(ROWS, A + B) = a(ROWS, A) and b(ROWS, B) side by side
pub fn concatenate(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [rows, a, b] = i.sizes(["ROWS", "A", "B"]);
    let mut y = Vec::with_capacity(rows * (a + b));
    for row in 0..rows {
        y.extend(
            i.real("a")[row * a..][..a].iter().chain(&i.real("b")[row * b..][..b]).map(|v| Sum::exact(*v)),
        );
    }
    vec![("y", Expected::Real(y))]
}

/// dx(ROWS, COUNT) = dy(ROWS, WIDTH)[:, FROM ..] * activate_grad(x)
pub fn slice_columns(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [rows, width, from, count] = i.sizes(["ROWS", "WIDTH", "FROM", "COUNT"]);
    let (dy, x) = (i.real("dy"), i.real("x"));
    let of = |at: usize| Sum::of(dy[at / count * width + from + at % count]).sloped(i.activation, x[at]);
    vec![("dx", Expected::Real((0..rows * count).map(of).collect()))]
}
