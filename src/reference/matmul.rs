//! Twins of the matrix product and its two gradients.

use crate::op::twin::{Expected, Inputs, Sum};

/// y(M, N) = activate(x(M, K) · w(K, N) + b(N))
pub fn matmul(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [m, n, k] = i.sizes(["M", "N", "K"]);
    let (x, w, b) = (i.real("x"), i.real("w"), i.real("b"));
    let mut y = Vec::with_capacity(m * n);
    for row in 0..m {
        for column in 0..n {
            let mut sum = Sum::of(b[column]);
            for inner in 0..k {
                sum.add(x[row * k + inner] * w[inner * n + column]);
            }
            y.push(sum.through(i.activation));
        }
    }
    vec![("y", Expected::Real(y))]
}

/// dx(M, K) = (dy(M, N) · wᵀ) * activate_grad(x)
pub fn matmul_grad_input(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [m, n, k] = i.sizes(["M", "N", "K"]);
    let (dy, w, x) = (i.real("dy"), i.real("w"), i.real("x"));
    let mut dx = Vec::with_capacity(m * k);
    for row in 0..m {
        for inner in 0..k {
            let mut sum = Sum::new();
            for column in 0..n {
                sum.add(dy[row * n + column] * w[inner * n + column]);
            }
            dx.push(sum.sloped(i.activation, x[row * k + inner]));
        }
    }
    vec![("dx", Expected::Real(dx))]
}

/// dw(K, N) = xᵀ · dy, db(N) = Σ dy
pub fn matmul_grad_weight(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [m, n, k] = i.sizes(["M", "N", "K"]);
    let (x, dy) = (i.real("x"), i.real("dy"));
    let mut dw = vec![Sum::new(); k * n];
    let mut db = vec![Sum::new(); n];
    for row in 0..m {
        let dy = &dy[row * n..][..n];
        db.iter_mut().zip(dy).for_each(|(sum, d)| sum.add(*d));
        for (inner, x) in x[row * k..][..k].iter().enumerate() {
            dw[inner * n..][..n].iter_mut().zip(dy).for_each(|(sum, d)| sum.add(x * d));
        }
    }
    vec![("dw", Expected::Real(dw)), ("db", Expected::Real(db))]
}
