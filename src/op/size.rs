//! Size expressions in interfaces.

use std::collections::BTreeMap;

/// A size: a sum of products of override names and numbers, as written in a comment. A factor
/// `OH / 2` is rounded up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size(pub String);

impl Size {
    /// The names in it, and anything else that is no number.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split(['+', '*', '/']).map(str::trim).filter(|name| name.parse::<usize>().is_err())
    }

    /// The value, with names looked up in `sizes`; `None` if a name is unknown or the value overflows.
    pub fn value(&self, sizes: &BTreeMap<String, f64>) -> Option<usize> {
        let named = |text: &str| {
            let name = text.trim();
            name.parse().ok().or_else(|| sizes.get(name).map(|v| *v as usize))
        };
        let factor = |text: &str| match text.split_once('/') {
            Some((whole, part)) => Some(named(whole)?.div_ceil(named(part).filter(|n| *n > 0)?)),
            None => named(text),
        };
        let product =
            |text: &str| text.split('*').try_fold(1usize, |all, each| all.checked_mul(factor(each)?));
        self.0.split('+').try_fold(0usize, |sum, each| sum.checked_add(product(each)?))
    }
}
