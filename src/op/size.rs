//! A size as interfaces write it.

use std::collections::BTreeMap;

/// A size: the sum of products of override names and numbers, as written in a comment. A factor
/// `OH / 2` is rounded up: so many twos cover `OH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size(pub String);

impl Size {
    /// The value, with `names` looked up in `sizes`.
    pub fn value(&self, sizes: &BTreeMap<String, f64>) -> Option<usize> {
        let named = |text: &str| {
            let name = text.trim();
            name.parse().ok().or_else(|| sizes.get(name).map(|v| *v as usize))
        };
        let factor = |text: &str| match text.split_once('/') {
            Some((whole, part)) => Some(named(whole)?.div_ceil(named(part).filter(|n| *n > 0)?)),
            None => named(text),
        };
        self.0.split('+').map(|product| product.split('*').map(factor).product::<Option<usize>>()).sum()
    }
}
