//! Comparison of gradients with finite differences, for tests. Inputs must be chosen to avoid kinks: a kink fails the
//! test.

use wgrad::{
    derivative::derivative,
    feed::split_mix,
    op::{Access, Binding, Element, Op, Sizes, activations::LINEAR},
};

/// Returns numbers in ±1 that depend only on `seed`.
pub fn noise(seed: u64, len: usize) -> Vec<f64> {
    let unit = |n| (split_mix(split_mix(seed) ^ n) >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    (0..len as u64).map(unit).collect()
}

/// Returns Σ r·y.
pub fn functional(r: &[f64], y: &[f64]) -> f64 {
    assert_eq!(r.len(), y.len());
    r.iter().zip(y).map(|(r, y)| r * y).sum()
}

/// Compares `gradient` at the point `at` with finite differences of `f`: every element, or `most` of them.
pub fn hold(what: &str, at: &[f64], gradient: &[f64], most: usize, mut f: impl FnMut(&[f64]) -> f64) {
    assert_eq!(at.len(), gradient.len(), "{what}");
    assert!(!at.is_empty(), "{what}: nothing to check");
    let scale = (gradient.iter().map(|g| g * g).sum::<f64>() / gradient.len() as f64).sqrt();
    let mut point = at.to_vec();
    for n in 0..at.len().min(most) {
        let index = if at.len() <= most { n } else { split_mix(n as u64) as usize % at.len() };
        let slope = derivative(scale, |h| {
            point[index] = at[index] + h;
            f(&point)
        });
        point[index] = at[index];
        assert!(slope.smooth, "{what}[{index}]: a kink; choose other inputs ({slope:?})");
        let error = (gradient[index] - slope.slope).abs();
        assert!(error <= slope.allowed, "{what}[{index}] is {}, expected {slope:?}", gradient[index]);
    }
}

/// Returns the name, access, element type and length of every buffer of `op`.
pub fn lengths(op: &Op, sizes: &Sizes) -> Vec<(String, Access, Element, usize)> {
    let shader = op.shader(&op.variants()[0], &LINEAR).expect("parses");
    let values = shader.values(sizes);
    let len = |b: &Binding| b.shape.iter().map(|s| s.value(&values)).product::<Option<usize>>();
    shader
        .bindings
        .iter()
        .map(|b| (b.name.clone(), b.access, b.element, len(b).expect("a size for each name")))
        .collect()
}
