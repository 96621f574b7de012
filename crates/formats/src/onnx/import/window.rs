//! Nodes for images: convolutions, pools, padding.

use super::{Axis, Flow, Said, layers::Reader};
use crate::onnx::attributes::{Window, positive};
use std::collections::BTreeSet;
use wgrad::layers::{
    AveragePooling2D, Conv2D, DepthwiseConv2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D,
    Padding, Pair, Sides, ZeroPadding2D, around,
};

impl Reader<'_, '_> {
    /// The window of an image, its padding, and the explicit padding with zeros, if the window needs any.
    pub(super) fn window(&self, x: &Flow, size: Option<&[usize]>) -> Said<(Window, Padding, Option<Sides>)> {
        if !x.is_image() {
            return Err(format!("an input {:?}; it takes images, channels first", x.lens()));
        }
        let window = Window::of(&self.node, &x.shape[..2], size)?;
        let sides = [0, 1].map(|n| [window.before[n], window.behind[n]]);
        let same = [0, 1].map(|n| around(x.shape[n], window.extent(n), window.strides[n], Padding::Same));
        let reached = |n: usize| {
            let room = x.shape[n] + sides[n][0] + sides[n][1] - window.extent(n);
            room / window.strides[n] + 1 == window.out[n]
        };
        if !reached(0) || !reached(1) {
            return Err("with ceil_mode, whose last windows reach beyond the image".into());
        }
        // Padding that no window reaches does not matter.
        let needed = [0, 1].map(|n| {
            let reach = (window.out[n] - 1) * window.strides[n] + window.extent(n);
            [sides[n][0], reach.saturating_sub(x.shape[n] + sides[n][0])]
        });
        let outs = [0, 1].map(|n| x.shape[n].div_ceil(window.strides[n]));
        Ok(if needed == [[0, 0], [0, 0]] {
            (window, Padding::Valid, None)
        } else if needed == same && outs[..] == window.out {
            (window, Padding::Same, None)
        } else {
            (window, Padding::Valid, Some(Sides { height: needed[0], width: needed[1] }))
        })
    }

    /// Appends padding with zeros, if there is any.
    pub(super) fn padded(&mut self, x: &Flow, sides: Option<Sides>) -> Flow {
        let Some(padding) = sides else { return x.clone() };
        let shape = [
            x.shape[0] + padding.height[0] + padding.height[1],
            x.shape[1] + padding.width[0] + padding.width[1],
            x.shape[2],
        ];
        let wanted = format!("{}_padding", self.name);
        let make = |name| ZeroPadding2D { padding, name }.into();
        let name = self.network.add(&wanted, std::slice::from_ref(&x.layer), make, Vec::new());
        Flow { positive: x.positive, ..x.through(&name, &shape) }
    }

    pub(super) fn conv(&mut self, x: &Flow) -> Said<Flow> {
        let w = self.constant(1)?;
        let (window, padding, sides) = self.window(x, w.shape.get(2..))?;
        let [filters, _, kh, kw] = w.shape[..] else { return Err(format!("a kernel {:?}", w.shape)) };
        let bias = self.optional(2)?.cloned();
        let (use_bias, channels) = (bias.is_some(), x.shape[2]);
        let groups = usize::try_from(self.node.int("group", 1)).unwrap_or(0);
        let inner = w.shape[1].checked_mul(groups);
        if groups == 0 || inner != Some(channels) || filters == 0 || filters % groups != 0 {
            return Err(format!("{groups} groups of a kernel {:?} for {channels} channels", w.shape));
        }
        if window.size != [kh, kw] {
            return Err(format!("kernel_shape is {:?}, its kernel {:?}", window.size, w.shape));
        }
        let x = self.padded(x, sides);
        let shape = [window.out[0], window.out[1], filters];
        let two = |list: &[usize]| Pair(list[0], list[1]);
        let (kernel_size, strides, dilation_rate) =
            (Pair(kh, kw), two(&window.strides), two(&window.dilations));
        let kernel = w.transposed(&[2, 3, 1, 0]);
        let bias = bias.map(|bias| ("bias", bias));
        if groups == channels && groups > 1 && filters % channels == 0 {
            let depth_multiplier = filters / channels;
            let kernel = kernel.reshaped(&[kh, kw, channels, depth_multiplier])?;
            let layer = DepthwiseConv2D::new(kernel_size);
            let make = |name| {
                DepthwiseConv2D { strides, padding, depth_multiplier, dilation_rate, use_bias, name, ..layer }
                    .into()
            };
            return Ok(self.one(&x, &shape, make, std::iter::once(("kernel", kernel)).chain(bias).collect()));
        }
        let layer = Conv2D::new(filters, kernel_size);
        let make = |name| Conv2D { strides, padding, dilation_rate, groups, use_bias, name, ..layer }.into();
        Ok(self.one(&x, &shape, make, std::iter::once(("kernel", kernel)).chain(bias).collect()))
    }

    pub(super) fn pool(&mut self, x: &Flow) -> Said<Flow> {
        let (window, padding, sides) = self.window(x, None)?;
        if window.dilations.iter().any(|d| *d != 1) {
            return Err("with dilations".into());
        }
        let max = self.node.op() == "MaxPool";
        // Zeros can stand for the padding only where that does not change the result.
        let counted = self.node.int("count_include_pad", 0) == 1;
        let padded = sides.is_some() || padding == Padding::Same;
        let (padding, sides) = match (max, padded, sides) {
            (true, _, Some(_)) if !x.positive => {
                return Err("with padding other than \"same\", of numbers that may be below zero".into());
            }
            (false, true, _) if counted => {
                let sides = Sides {
                    height: [window.before[0], window.behind[0]],
                    width: [window.before[1], window.behind[1]],
                };
                (Padding::Valid, Some(sides))
            }
            (false, _, Some(_)) => return Err("with padding other than \"same\" that does not count".into()),
            (_, _, sides) => (padding, sides),
        };
        let x = self.padded(x, sides);
        let pool_size = Pair(window.size[0], window.size[1]);
        let strides = Some(Pair(window.strides[0], window.strides[1])).filter(|s| *s != pool_size);
        let shape = [window.out[0], window.out[1], x.shape[2]];
        let positive = x.positive;
        let make = |name| match max {
            true => MaxPooling2D { pool_size, strides, padding, name }.into(),
            false => AveragePooling2D { pool_size, strides, padding, name }.into(),
        };
        Ok(Flow { positive, ..self.one(&x, &shape, make, Vec::new()) })
    }

    pub(super) fn global(&mut self, x: &Flow, keepdims: bool) -> Said<Flow> {
        let [_, _, channels] = x.shape[..] else { return Err(format!("an input {:?}", x.lens())) };
        let shape = if keepdims { vec![1, 1, channels] } else { vec![channels] };
        let max = self.node.op() == "GlobalMaxPool";
        let make = |name| match max {
            true => GlobalMaxPooling2D { keepdims, name }.into(),
            false => GlobalAveragePooling2D { keepdims, name }.into(),
        };
        let flow = self.one(x, &shape, make, Vec::new());
        let axes = if keepdims { x.axes.clone() } else { super::plain(1) };
        Ok(Flow { axes, positive: x.positive, ..flow })
    }

    /// The mean over height and width.
    pub(super) fn mean(&mut self, x: &Flow) -> Said<Flow> {
        let axes = match self.optional(1)? {
            Some(t) => t.wholes()?.to_vec(),
            None => self.node.ints("axes").unwrap_or_default().to_vec(),
        };
        let mut taken: Vec<Axis> = axes.iter().map(|n| x.axis(*n).map(|n| x.axes[n])).collect::<Said<_>>()?;
        taken.sort_unstable_by_key(|axis| if let Axis::Of(n) = axis { *n } else { usize::MAX });
        if x.shape.len() != 3 || taken != [Axis::Of(1), Axis::Of(2)] {
            return Err(format!("over the axes {axes:?}; only height and width together are supported"));
        }
        self.global(x, self.node.int("keepdims", 1) == 1)
    }

    pub(super) fn pad(&mut self, x: &Flow) -> Said<Flow> {
        let pads = match self.optional(1)? {
            Some(t) => positive("pads", t.wholes()?)?,
            None => positive("pads", self.node.ints("pads").ok_or("it has no pads")?)?,
        };
        let value = match self.optional(2)? {
            Some(t) => t.reals()?.first().copied().unwrap_or(0.0),
            None => self.node.float("value", 0.0),
        };
        if self.node.text("mode", "constant") != "constant" || value != 0.0 {
            return Err("with values other than zeros".into());
        }
        let rank = x.axes.len();
        let pads = match self.optional(3)? {
            Some(axes) => of_axes(&pads, axes.wholes()?, rank)?,
            None => pads,
        };
        if pads.len() != 2 * rank || x.shape.len() != 3 {
            return Err(format!("pads {pads:?} of {:?}", x.lens()));
        }
        let of = |axis: usize| {
            x.axes.iter().position(|a| *a == Axis::Of(axis)).map_or([0, 0], |n| [pads[n], pads[n + rank]])
        };
        if of(0) != [0, 0] || of(3) != [0, 0] {
            return Err(format!("pads {pads:?}, which reach beyond height and width"));
        }
        Ok(self.padded(x, Some(Sides { height: of(1), width: of(2) })))
    }
}

/// Expands the pads of some axes to those of all axes: first the pads before each axis, then those after it.
fn of_axes(pads: &[usize], axes: &[i64], rank: usize) -> Said<Vec<usize>> {
    let fail = || format!("pads {pads:?} of the axes {axes:?}, where there are {rank}");
    let mut all = vec![0; 2 * rank];
    let mut met = BTreeSet::new();
    for (n, axis) in axes.iter().enumerate() {
        let place = if *axis < 0 { rank as i64 + axis } else { *axis };
        let place = usize::try_from(place).ok().filter(|place| *place < rank && met.insert(*place));
        let place = place.filter(|_| pads.len() == 2 * axes.len()).ok_or_else(fail)?;
        (all[place], all[place + rank]) = (pads[n], pads[n + axes.len()]);
    }
    Ok(all)
}
