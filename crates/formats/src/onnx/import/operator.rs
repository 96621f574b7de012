//! The operator `Attention`, of version 23 on.

use super::{
    Said, Value,
    attention::{self, Hiding},
    nodes::Viewed,
    product::product,
    views::View,
};
use crate::onnx::{proto::kind, tensor::Tensor};

/// The letters of the axes of queries, keys, scores, values and heads.
const LETTERS: [[char; 4]; 5] = [
    ['b', 'h', 't', 'd'],
    ['b', 'h', 's', 'd'],
    ['b', 'h', 't', 's'],
    ['b', 'h', 's', 'v'],
    ['b', 'h', 't', 'v'],
];

impl Viewed<'_> {
    /// The operator, in four axes (batch, heads, steps, length), or in three that have all heads in the last.
    pub fn attention(&self) -> Said<View> {
        let [query, key, value] = self.operands()?;
        let fail = || {
            let lens = [&query, &key, &value].map(|view| view.axes.lens());
            format!("a query, key and value {lens:?} that do not fit each other")
        };
        let heads = self.heads()?;
        let split = |view: &View| split(view, heads).ok_or_else(fail);
        let (q, k, v) = (split(&query)?, split(&key)?, split(&value)?);
        let [of_query, of_key, of_scores, of_value, of_heads] = LETTERS.each_ref().map(|l| &l[..]);
        let mut scores = product([&q, &k], [of_query, of_key, of_scores]).ok_or_else(fail)?;
        let length = q.axes.lens().last().copied().unwrap_or(1) as f32;
        scores.scale *= self.node.float("scale", 1.0 / length.sqrt());
        if let Some(mask) = self.inputs.get(3).and_then(Option::as_ref) {
            scores = masked(&scores, mask)?.ok_or_else(fail)?;
        }
        if self.node.int("is_causal", 0) == 1 {
            scores = attention::causal(&scores).ok_or_else(fail)?;
        }
        let shares = attention::shares(&scores, 3).ok_or_else(fail)?;
        let mixed = product([&shares, &v], [of_scores, of_value, of_heads]).ok_or_else(fail)?;
        if query.axes.0.len() == 4 {
            return Ok(mixed);
        }
        let turned = mixed.axes.transposed(&[0, 2, 1, 3]).and_then(|axes| axes.reshaped(&[0, 0, -1], false));
        Ok(mixed.with(turned.ok_or_else(fail)?))
    }

    /// Query, key and value.
    fn operands(&self) -> Said<[View; 3]> {
        let view = |n: usize, what: &str| {
            let view = self.views.get(n).cloned().flatten();
            view.ok_or_else(|| format!("its {what} (input {}) is no sequence of the network", n + 1))
        };
        if (4..7).any(|n| self.inputs.get(n).is_some_and(Option::is_some)) {
            return Err("keys and values of earlier steps; wgrad attends to whole sequences".into());
        }
        let cap = self.node.float("softcap", 0.0);
        if cap != 0.0 {
            return Err(format!("softcap is {cap}, expected 0; wgrad bounds no scores"));
        }
        Ok([view(0, "query")?, view(1, "key")?, view(2, "value")?])
    }

    /// The number of heads, if an attribute gives it.
    fn heads(&self) -> Said<Option<i64>> {
        let heads = |name: &str| self.node.attribute(name).and_then(|a| a.i);
        match (heads("q_num_heads"), heads("kv_num_heads")) {
            (query, keys) if query == keys => Ok(query),
            (query, keys) => Err(format!(
                "q_num_heads is {}, kv_num_heads {}; wgrad has as many heads of keys as of queries",
                query.unwrap_or(0),
                keys.unwrap_or(0)
            )),
        }
    }
}

/// A view with an axis of heads; `None` where it has none, and no number of them is given.
fn split(view: &View, heads: Option<i64>) -> Option<View> {
    match (view.axes.0.len(), heads) {
        (4, _) => Some(view.clone()),
        (3, Some(heads)) => {
            let axes = view.axes.reshaped(&[0, 0, heads, -1], false)?;
            Some(view.with(axes.transposed(&[0, 2, 1, 3])?))
        }
        _ => None,
    }
}

/// Scores with the operator's mask: truth values of the keys that are seen, or numbers that are added.
fn masked(scores: &View, mask: &Value) -> Said<Option<View>> {
    let Value::Constant(mask) = mask else {
        let why = "a mask that is no constant of the file; wgrad has a causal one, and masks of a sequence by Masking and \
                   mask_zero";
        return Err(why.into());
    };
    let mask: &Tensor = mask;
    let hidden = |at: usize| match (mask.kind, mask.wholes(), mask.reals()) {
        (kind::BOOL, Ok(seen), _) => Ok(seen[at] == 0),
        (_, _, Ok(numbers)) => attention::hides(numbers, at),
        (other, ..) => Err(format!("a mask of type {}", kind::name(other))),
    };
    attention::masked(scores, mask, Hiding::Low, hidden)
}
