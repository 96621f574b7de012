//! Nodes that rearrange axes. Most of them produce no layer, since a flow records the file's order of axes.

use super::{Axis, Flow, Said, layers::Reader};
use crate::onnx::{
    attributes::{positive, reshaped},
    tensor::{Tensor, room},
};
use wgrad::{
    layers::{Flatten, Reshape},
    program::counted,
};

impl Reader<'_, '_> {
    pub(super) fn transpose(&self, x: &Flow) -> Said<Flow> {
        let rank = x.axes.len();
        let order = match self.node.ints("perm") {
            Some(perm) => positive("perm", perm)?,
            None => (0..rank).rev().collect(),
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if x.gather.is_some() || sorted != (0..rank).collect::<Vec<_>>() {
            return Err(format!("perm is {order:?} for {:?}", x.lens()));
        }
        Ok(Flow { axes: order.iter().map(|n| x.axes[*n]).collect(), ..x.clone() })
    }

    /// Squeeze and Unsqueeze: axes of length 1 that vanish and appear.
    pub(super) fn unit_axes(&mut self, x: &Flow) -> Said<Flow> {
        let axes = match self.optional(1)? {
            Some(t) => t.wholes()?.to_vec(),
            None => self.node.ints("axes").ok_or("it names no axes")?.to_vec(),
        };
        let mut flow = x.clone();
        if self.node.op() == "Squeeze" {
            let axes: Vec<usize> = axes.iter().map(|n| x.axis(*n)).collect::<Said<_>>()?;
            if let Some(at) = axes.iter().find(|at| x.lens()[**at] != 1) {
                return Err(format!("axis {at} of {:?} is not 1 long", x.lens()));
            }
            let left = |all: Vec<i64>| -> Vec<i64> {
                all.into_iter().enumerate().filter(|(n, _)| !axes.contains(n)).map(|(_, len)| len).collect()
            };
            if axes.iter().all(|at| x.axes[*at] == Axis::One) {
                let mut n = 0;
                flow.axes.retain(|_| {
                    n += 1;
                    !axes.contains(&(n - 1))
                });
                return Ok(flow);
            }
            return self.reshape_to(x, &left(x.lens()));
        }
        let rank = x.axes.len() + axes.len();
        let mut places: Vec<usize> =
            axes.iter().map(|n| crate::onnx::attributes::axis(*n, rank)).collect::<Said<_>>()?;
        places.sort_unstable();
        if places.windows(2).any(|pair| pair[0] == pair[1]) || x.gather.is_some() {
            return Err(format!("the axes {axes:?} of {:?}", x.lens()));
        }
        for at in places {
            flow.axes.insert(at, Axis::One);
        }
        Ok(flow)
    }

    /// Flattens to one axis after the batch.
    pub(super) fn flat(&mut self, x: &Flow) -> Said<Flow> {
        if x.axes == super::plain(1) {
            return Ok(x.clone());
        }
        if x.raw || x.axes.contains(&Axis::Directions) {
            x.settled()?;
        }
        if x.axes.first() != Some(&Axis::Of(0)) {
            return Err("the batch is not its first axis".into());
        }
        let total = room(&x.shape, 0)?;
        let gather = (!x.in_order()).then(|| {
            let order: Vec<usize> = x.axes[1..]
                .iter()
                .filter_map(|axis| if let Axis::Of(n) = axis { Some(n - 1) } else { None })
                .collect();
            let places = Tensor::whole(&x.shape, (0..total as i64).collect()).transposed(&order);
            places.wholes().unwrap_or_default().iter().map(|n| *n as usize).collect()
        });
        let flow = self.one(x, &[total], |name| Flatten { name }.into(), Vec::new());
        Ok(Flow { axes: super::plain(1), gather, positive: x.positive, ..flow })
    }

    pub(super) fn reshape(&mut self, x: &Flow) -> Said<Flow> {
        let wanted = self.constant(1)?.wholes()?.to_vec();
        if self.node.int("allowzero", 0) == 1 && wanted.contains(&0) {
            return Err(format!("to {wanted:?} with allowzero, which is empty"));
        }
        self.reshape_to(x, &wanted)
    }

    fn reshape_to(&mut self, x: &Flow, wanted: &[i64]) -> Said<Flow> {
        let lens = x.lens();
        // Axes of length 1 that only the file has may be dropped.
        let kept: Vec<Axis> = x.axes.iter().copied().filter(|axis| *axis != Axis::One).collect();
        let as_wanted = |(axis, wanted): (&Axis, &i64)| *wanted == x.len(*axis, 2) || *wanted == -1;
        if kept.len() < x.axes.len() && kept.len() == wanted.len() && kept.iter().zip(wanted).all(as_wanted) {
            return Ok(Flow { axes: kept, ..x.clone() });
        }
        // The batch comes first and may be given as 0, as -1, or as the file's own length.
        let batch_first = x.axes.first() == Some(&Axis::Of(0));
        let inner: Vec<usize> = lens[1..].iter().map(|n| *n as usize).collect();
        if let (Some(at), true) = (merged(x), wanted.len() + 1 == x.axes.len()) {
            // Both directions are merged into one axis again.
            let mut axes = x.axes.clone();
            axes.splice(at..at + 2, [Axis::Of(x.shape.len())]);
            return Ok(Flow { axes, ..x.clone() });
        }
        if !batch_first || wanted.is_empty() || x.gather.is_some() {
            return Err(format!("to {wanted:?}, where the batch is not the first axis"));
        }
        let rest: Vec<i64> = wanted[1..].to_vec();
        let total = counted(&inner)?;
        let target = match (wanted[0], rest.contains(&-1)) {
            // The batch follows from the other lengths.
            (-1, false) => positive("the shape", &rest)?,
            _ => reshaped(&inner, &rest, false)?,
        };
        if counted(&target)? != total {
            return Err(format!("{lens:?} to {wanted:?}, which does not keep the batch"));
        }
        if target == inner {
            return Ok(x.clone());
        }
        // With one channel, a Reshape has the effect of a Transpose.
        if let Some(axes) = moved(x, &target) {
            return Ok(Flow { axes, ..x.clone() });
        }
        if target.len() == 1 {
            return self.flat(x);
        }
        let x = x.clone();
        if x.raw || x.axes.contains(&Axis::Directions) || !x.in_order() {
            x.settled()?;
            return Err(format!(
                "{lens:?} to {wanted:?} where channels come first; flatten, or transpose before"
            ));
        }
        // A picture of one channel, with channels first.
        let one = matches!(target[..], [1, h, w] if h > 1 && w > 1);
        let shape = if one { [&target[1..], &[1]].concat() } else { target.clone() };
        let axes = if one { [0, 3, 1, 2].map(Axis::Of).to_vec() } else { super::plain(target.len()) };
        let lens: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        let flow = self.one(&x, &shape, |name| Reshape { name, ..Reshape::new(&lens) }.into(), Vec::new());
        Ok(Flow { axes, positive: x.positive, ..flow })
    }
}

/// The axes of a flow after a reshape to `target` (without the batch) that moves only axes of length 1, and
/// therefore no number. Every axis of the layer must keep a place; `None` otherwise.
fn moved(x: &Flow, target: &[usize]) -> Option<Vec<Axis>> {
    if x.axes.first() != Some(&Axis::Of(0)) || x.gather.is_some() || x.axes.contains(&Axis::Directions) {
        return None;
    }
    let longer: Vec<Axis> = x.axes[1..].iter().copied().filter(|axis| x.len(*axis, 2) != 1).collect();
    let same = target.iter().filter(|len| **len != 1).map(|len| *len as i64);
    if !same.eq(longer.iter().map(|axis| x.len(*axis, 2))) {
        return None;
    }
    // The channels, which are the last axis, come first.
    let mut ones = (1..=x.shape.len()).rev().filter(|n| x.shape[n - 1] == 1).map(Axis::Of).peekable();
    let mut longer = longer.into_iter();
    let axes = target.iter().map(|len| match len {
        1 => Some(ones.next().unwrap_or(Axis::One)),
        _ => longer.next(),
    });
    let axes: Option<Vec<Axis>> = std::iter::once(Some(Axis::Of(0))).chain(axes).collect();
    if ones.peek().is_some() { None } else { axes }
}

/// Position of the axis of directions, where that of units follows it.
fn merged(x: &Flow) -> Option<usize> {
    x.axes.windows(2).position(|pair| pair == [Axis::Directions, Axis::Units])
}
