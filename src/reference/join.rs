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

/// y(N, I, J) = Σ_k a[n, i, k] · b[n, j, k]; with A_TURNED a is (N, K, I), with B_TURNED b is (N, K, J)
pub fn batch_dot(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [n, rows, columns, len] = i.sizes(["N", "I", "J", "K"]);
    let (a, b) = (i.real("a"), i.real("b"));
    let place = |image: usize, row: usize, rows: usize, k: usize, turned: bool| {
        image * rows * len + if turned { k * rows + row } else { row * len + k }
    };
    let [a_turned, b_turned] = [i.size("A_TURNED") == 1, i.size("B_TURNED") == 1];
    let mut y = Vec::with_capacity(n * rows * columns);
    for image in 0..n {
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let mut sum = Sum::new();
            for k in 0..len {
                sum.add(
                    a[place(image, row, rows, k, a_turned)] * b[place(image, column, columns, k, b_turned)],
                );
            }
            y.push(sum);
        }
    }
    vec![("y", Expected::Real(y))]
}
