//! Parts of a view: queries, keys and values of one product are parts of an axis of features.

use super::{
    factors::{Along, Factor, longer},
    nodes::Viewed,
    views::{Base, View},
};
use crate::onnx::{
    attributes::{Node, axis, positive},
    tensor::Tensor,
};

impl Viewed<'_> {
    /// The part of an axis of features from `start` on; all of it for any other axis.
    fn part(&self, x: &View, at: usize, start: usize, len: usize) -> Option<View> {
        let own = longer(&x.axes.0[at]);
        let whole: usize = own.iter().map(|factor| factor.len.max(1)).product();
        if start == 0 && len == whole && own.iter().all(|factor| factor.len != 0) {
            return Some(x.clone());
        }
        let [factor] = own[..] else { return None };
        if factor.along != Along::Features || !matches!(x.base, Base::Layer(_)) {
            return None;
        }
        if len == 0 || start.checked_add(len)? > factor.len {
            return None;
        }
        let mut axes = x.axes.clone();
        axes.0[at] = vec![Factor { len, ..factor }];
        Some(View { axes, offset: x.offset + start * factor.stride, sole: false, ..x.clone() })
    }

    pub fn split(&self) -> Option<Vec<View>> {
        let x = self.first()?;
        let at = self.at(x, self.node.int("axis", 0))?;
        let len = usize::try_from(x.axes.lens()[at]).ok()?;
        let mut start = 0;
        let part = |len: usize| {
            start += len;
            self.part(x, at, start - len, len)
        };
        parts(&self.node, self.constant(1), len)?.into_iter().map(part).collect()
    }

    pub fn slice(&self) -> Option<View> {
        let mut x = self.first()?.clone();
        let (starts, ends) = (self.wholes(1, "starts")?, self.wholes(2, "ends")?);
        let axes = self.wholes(3, "axes").unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.wholes(4, "steps").unwrap_or_else(|| vec![1; starts.len()]);
        if [&ends, &axes, &steps].iter().any(|list| list.len() != starts.len())
            || steps.iter().any(|n| *n != 1)
        {
            return None;
        }
        for ((start, end), number) in starts.iter().zip(ends).zip(axes) {
            let at = self.at(&x, number)?;
            let len = x.axes.lens()[at];
            let place = |n: i64| (if n < 0 { n.saturating_add(len) } else { n }).clamp(0, len.max(0));
            let (start, end) = (place(*start), place(end));
            x = self.part(&x, at, start as usize, usize::try_from(end - start).ok()?)?;
        }
        Some(x)
    }

    pub fn gather(&self) -> Option<View> {
        let x = self.first()?;
        let at = self.at(x, self.node.int("axis", 0))?;
        let which = self.constant(1)?;
        let [index] = which.wholes().ok()? else { return None };
        let start = axis(*index, usize::try_from(x.axes.lens()[at]).ok()?).ok()?;
        let mut part = self.part(x, at, start, 1)?;
        match which.shape.len() {
            0 => drop(part.axes.0.remove(at)),
            1 => {}
            _ => return None,
        }
        Some(part)
    }
}

/// The lengths of the parts of an axis of this length. `None` where they are not all of it.
pub(super) fn parts(node: &Node<'_>, given: Option<&Tensor>, len: usize) -> Option<Vec<usize>> {
    let lens = match given {
        // A sequence may have parts of one length, the last of what is left.
        Some(each) if each.shape.is_empty() && node.op() == "SplitToSequence" => {
            let each = usize::try_from(*each.wholes().ok()?.first()?).ok().filter(|each| *each > 0)?;
            (0..len.div_ceil(each)).map(|n| each.min(len - n * each)).collect()
        }
        Some(lens) => positive("split", lens.wholes().ok()?).ok()?,
        None => match (node.ints("split"), node.0.output.len()) {
            (Some(lens), _) => positive("split", lens).ok()?,
            (None, count) if node.op() == "Split" && len.is_multiple_of(count) => vec![len / count; count],
            _ => return None,
        },
    };
    let all = lens.iter().try_fold(0usize, |all, len| all.checked_add(*len))?;
    (all == len && (node.op() != "Split" || lens.len() == node.0.output.len())).then_some(lens)
}
