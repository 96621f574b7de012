//! Twins of the operations on tokens: numbers that stand for rows of a table.

use crate::op::twin::{Expected, Inputs, Sum};

/// Largest token that a key may be, as in `shaders/common/token.wgsl`.
const LARGEST: f64 = 16_777_215.0;

/// The index that a number stands for.
fn token(number: f64, largest: usize) -> usize {
    (number.clamp(0.0, LARGEST) as usize).min(largest)
}

/// `y[i, u] = w[token(x[i]), u]`
pub fn embedding_forward(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [words, units] = i.sizes(["WORDS", "UNITS"]);
    let w = i.real("w");
    let rows = i.real("x").iter().map(|x| token(*x, words - 1));
    let y = rows.flat_map(|k| w[k * units..(k + 1) * units].iter().map(|v| Sum::exact(*v)));
    vec![("y", Expected::Real(y.collect()))]
}

/// keys and order, sorted by (token(key) >> SHIFT) % 8; equal digits stay in their order
pub fn sort_tokens(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (shift, keys, order) = (i.size("SHIFT"), i.real("keys"), i.indices("order"));
    let mut all: Vec<usize> = (0..keys.len()).collect();
    all.sort_by_key(|n| (token(keys[*n], LARGEST as usize) >> shift) % 8);
    let sorted = all.iter().map(|n| Sum::exact(keys[*n])).collect();
    let places = all.iter().map(|n| order[*n]).collect();
    vec![("sorted", Expected::Real(sorted)), ("places", Expected::Index(places))]
}

/// `starts[k]` = the first place of a key of at least k, found by halving
pub fn token_starts(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let (words, keys) = (i.size("WORDS"), i.real("keys"));
    let first = |k: usize| {
        let (mut low, mut high) = (0, keys.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if token(keys[middle], words - 1) < k { low = middle + 1 } else { high = middle }
        }
        low as u32
    };
    vec![("starts", Expected::Index((0..=words).map(first).collect()))]
}

/// `dw[k, u] = Σ dy[order[q], u]` for q from `starts[k]` to `starts[k + 1]`
pub fn embedding_grad(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let [count, words, units] = i.sizes(["COUNT", "WORDS", "UNITS"]);
    let (dy, order, begin) = (i.real("dy"), i.indices("order"), i.indices("starts"));
    let mut dw = vec![Sum::new(); words * units];
    for k in 0..words {
        let [first, end] = [begin[k], begin[k + 1]].map(|at| (at as usize).min(count));
        for place in order.get(first..end).unwrap_or_default() {
            let row = (*place as usize).min(count - 1) * units;
            (0..units).for_each(|u| dw[k * units + u].add(dy[row + u]));
        }
    }
    vec![("dw", Expected::Real(dw))]
}
