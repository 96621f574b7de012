//! Twin of the operation that moves axes.

use crate::op::twin::{Expected, Inputs, Sum};

/// y(N, D0, D1, D2, D3) = x with its axes in another order; S0 .. S3 are the steps of y's axes in x
pub fn permute_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (lens, steps) = (i.sizes(["D0", "D1", "D2", "D3"]), i.sizes(["S0", "S1", "S2", "S3"]));
    let (x, count) = (i.real("x"), lens.iter().product::<usize>());
    let at = |at: usize| {
        let (mut rest, mut from) = (at % count, at / count * count);
        for (len, step) in lens.iter().zip(steps).rev() {
            from += rest % len * step;
            rest /= len;
        }
        Sum::exact(x[from.min(x.len() - 1)])
    };
    vec![("y", Expected::Real((0..i.size("N") * count).map(at).collect()))]
}
