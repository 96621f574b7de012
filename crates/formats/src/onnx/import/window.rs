//! Nodes for images and sequences: convolutions, pools, padding.

use super::{Axis, Flow, Said, layers::Reader};
use crate::onnx::{
    attributes::{Window, transposed_window},
    tensor::Tensor,
};
use std::collections::BTreeSet;
use wgrad::layers::{
    AveragePooling1D, AveragePooling2D, Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Cropping1D,
    Cropping2D, DepthwiseConv1D, DepthwiseConv2D, GlobalAveragePooling1D, GlobalAveragePooling2D,
    GlobalMaxPooling1D, GlobalMaxPooling2D, Interpolation, Layer, MaxPooling1D, MaxPooling2D, Padding, Pair,
    RepeatVector, Resizing, Rules, Sides, UpSampling1D, UpSampling2D, ZeroPadding1D, ZeroPadding2D, around,
};

impl Reader<'_, '_> {
    /// The window of an image or of a sequence, its padding, and the explicit padding with zeros, if the window needs
    /// any. A sequence has no width.
    pub(super) fn window(&self, x: &Flow, size: Option<&[usize]>) -> Said<(Window, Padding, Option<Sides>)> {
        if !x.is_channels_first() {
            return Err(format!("an input {:?}; it takes images and sequences, channels first", x.lens()));
        }
        let axes = 0..x.shape.len() - 1;
        let window = Window::of(&self.node, &x.shape[axes.clone()], size)?;
        let sides = |n: usize| [window.before[n], window.behind[n]];
        let same = |n: usize| around(x.shape[n], window.extent(n), window.strides[n], Padding::Same);
        let reached = |n: usize| {
            let room = x.shape[n] + window.before[n] + window.behind[n] - window.extent(n);
            room / window.strides[n] + 1 == window.out[n]
        };
        if !axes.clone().all(reached) {
            return Err("with ceil_mode, whose last windows reach beyond the image".into());
        }
        // Padding that no window reaches does not matter.
        let needed = |n: usize| {
            let reach = (window.out[n] - 1) * window.strides[n] + window.extent(n);
            [sides(n)[0], reach.saturating_sub(x.shape[n] + sides(n)[0])]
        };
        let whole = |n: usize| x.shape[n].div_ceil(window.strides[n]) == window.out[n];
        let (padding, zeros) = if axes.clone().all(|n| needed(n) == [0, 0]) {
            (Padding::Valid, None)
        } else if axes.clone().all(|n| needed(n) == same(n) && whole(n)) {
            (Padding::Same, None)
        } else {
            let width = if axes.end > 1 { needed(1) } else { [0, 0] };
            (Padding::Valid, Some(Sides { height: needed(0), width }))
        };
        Ok((window, padding, zeros))
    }

    /// Appends padding with zeros, if there is any.
    pub(super) fn padded(&mut self, x: &Flow, sides: Option<Sides>) -> Flow {
        let Some(padding) = sides else { return x.clone() };
        let mut shape = x.shape.clone();
        shape[0] += padding.height.iter().sum::<usize>();
        let image = shape.len() == 3;
        if image {
            shape[1] += padding.width.iter().sum::<usize>();
        }
        let wanted = format!("{}_padding", self.name);
        let make = |name| match image {
            true => ZeroPadding2D { padding, name }.into(),
            false => ZeroPadding1D { padding: padding.height, name }.into(),
        };
        let name = self.network.add(&wanted, std::slice::from_ref(&x.layer), make, Vec::new());
        Flow { positive: x.positive, ..x.through(&name, &shape) }
    }

    pub(super) fn conv(&mut self, x: &Flow) -> Said<Flow> {
        let w = self.constant(1)?;
        let (window, padding, sides) = self.window(x, w.shape.get(2..))?;
        let filters = w.shape.first().copied().unwrap_or(0);
        if w.shape.len() != x.shape.len() + 1 {
            return Err(format!("a kernel {:?}", w.shape));
        }
        // PyTorch writes zeros where a module has no bias.
        let made = |bias: &&Tensor| {
            let name = self.node.0.input.get(2);
            let own = name.is_some_and(|name| self.network.tensors.contains(name));
            self.network.training && !own && bias.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0))
        };
        let bias = self.optional(2)?.filter(|bias| !made(bias)).cloned();
        let (use_bias, channels) = (bias.is_some(), x.shape[x.shape.len() - 1]);
        let groups = usize::try_from(self.node.int("group", 1)).unwrap_or(0);
        let inner = w.shape[1].checked_mul(groups);
        if groups == 0 || inner != Some(channels) || filters == 0 || filters % groups != 0 {
            return Err(format!("{groups} groups of a kernel {:?} for {channels} channels", w.shape));
        }
        if window.size != w.shape[2..] {
            return Err(format!("kernel_shape is {:?}, its kernel {:?}", window.size, w.shape));
        }
        let x = self.padded(x, sides);
        let bias = bias.map(|bias| ("bias", bias));
        let shape = [&window.out[..], &[filters]].concat();
        if let [kernel_size] = window.size[..] {
            let (strides, dilation_rate) = (window.strides[0], window.dilations[0]);
            if groups == channels && groups > 1 {
                let depth_multiplier = filters / channels;
                let kernel = w.transposed(&[2, 1, 0]).reshaped(&[kernel_size, channels, depth_multiplier])?;
                let layer = DepthwiseConv1D::new(kernel_size);
                let make = |name| {
                    DepthwiseConv1D {
                        strides,
                        padding,
                        depth_multiplier,
                        dilation_rate,
                        use_bias,
                        name,
                        ..layer
                    }
                    .into()
                };
                let weights = std::iter::once(("kernel", kernel)).chain(bias).collect();
                return Ok(self.one(&x, &shape, make, weights));
            }
            let layer = Conv1D::new(filters, kernel_size);
            let make =
                |name| Conv1D { strides, padding, dilation_rate, groups, use_bias, name, ..layer }.into();
            let kernel = w.transposed(&[2, 1, 0]);
            return Ok(self.one(&x, &shape, make, std::iter::once(("kernel", kernel)).chain(bias).collect()));
        }
        let two = |list: &[usize]| Pair(list[0], list[1]);
        let (kernel_size, strides, dilation_rate) =
            (two(&window.size), two(&window.strides), two(&window.dilations));
        let kernel = w.transposed(&[2, 3, 1, 0]);
        if groups == channels && groups > 1 && filters % channels == 0 {
            let depth_multiplier = filters / channels;
            let kernel = kernel.reshaped(&[kernel_size.0, kernel_size.1, channels, depth_multiplier])?;
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

    pub(super) fn conv_transpose(&mut self, x: &Flow) -> Said<Flow> {
        let w = self.constant(1)?;
        if !x.is_channels_first() {
            return Err(format!("an input {:?}; it takes images and sequences, channels first", x.lens()));
        }
        let axes = x.shape.len() - 1;
        let (channels, filters) = (x.shape[axes], w.shape.get(1).copied().unwrap_or(0));
        if w.shape.len() != axes + 2 || w.shape[0] != channels || filters == 0 {
            return Err(format!("a kernel {:?} for {channels} channels", w.shape));
        }
        let groups = self.node.int("group", 1);
        if groups != 1 {
            return Err(format!("in {groups} groups; transposed convolutions of one group are supported"));
        }
        let taps = &w.shape[2..];
        if let Some(size) = self.node.ints("kernel_shape")
            && !size.iter().map(|n| *n as usize).eq(taps.iter().copied())
        {
            return Err(format!("kernel_shape is {size:?}, its kernel {:?}", w.shape));
        }
        let (window, out) = transposed_window(&self.node, &x.shape[..axes], taps)?;
        let bias = self.optional(2)?.cloned();
        let two = |list: &[usize]| Pair(list[0], list.get(1).copied().unwrap_or(1));
        let plane = Conv2DTranspose {
            strides: two(&window.strides),
            dilation_rate: two(&window.dilations),
            use_bias: bias.is_some(),
            ..Conv2DTranspose::new(filters, two(&window.size))
        };
        let image = [x.shape[0], if axes > 1 { x.shape[1] } else { 1 }, channels];
        // The ends of the output without padding that the file takes off; and what it adds there.
        let reached = |n: usize| window.before[n] + out[n];
        let whole = |n: usize| window.strides[n] * (x.shape[n] - 1) + window.extent(n);
        let found = |layer: &Conv2DTranspose| {
            layer.axes(&image).into_iter().take(axes).eq((0..axes).map(|n| [out[n], window.before[n]]))
        };
        let same = Conv2DTranspose { padding: Padding::Same, ..plane.clone() };
        let more = |n: usize| if n < axes { reached(n).saturating_sub(whole(n)) } else { 0 };
        let (layer, crop) = if found(&plane) {
            (plane, None)
        } else if found(&same) {
            (same, None)
        } else {
            let long = plane.axes(&image).map(|[len, _]| len);
            let layer = match (0..axes).all(|n| reached(n) <= long[n]) {
                true => plane,
                false => Conv2DTranspose { output_padding: Some(Pair(more(0), more(1))), ..plane },
            };
            let long = layer.axes(&image).map(|[len, _]| len);
            let side = |n: usize| match n < axes {
                true => [window.before[n], long[n].saturating_sub(reached(n))],
                false => [0, 0],
            };
            (layer, Some(Sides { height: side(0), width: side(1) }))
        };
        let shape = layer.axes(&image).map(|[len, _]| len);
        let shape = [&shape[..axes], &[filters]].concat();
        let weights = |kernel| {
            std::iter::once(("kernel", kernel)).chain(bias.map(|bias| ("bias", bias))).collect::<Vec<_>>()
        };
        let flow = if axes > 1 {
            let weights = weights(w.transposed(&[2, 3, 1, 0]));
            self.fitting(x, &shape, |name| Conv2DTranspose { name, ..layer }.into(), weights)?
        } else {
            let make = |name| {
                Conv1DTranspose {
                    strides: layer.strides.0,
                    padding: layer.padding,
                    output_padding: layer.output_padding.map(|more| more.0),
                    dilation_rate: layer.dilation_rate.0,
                    use_bias: layer.use_bias,
                    name,
                    ..Conv1DTranspose::new(filters, layer.kernel_size.0)
                }
                .into()
            };
            self.fitting(x, &shape, make, weights(w.transposed(&[2, 1, 0])))?
        };
        self.cropped(&flow, crop.filter(|sides| *sides != Sides::from(0)))
    }

    /// Appends a layer whose own rule of shapes must agree with the file's.
    fn fitting(
        &mut self,
        x: &Flow,
        shape: &[usize],
        make: impl Fn(Option<String>) -> Layer,
        weights: Vec<(&str, crate::onnx::tensor::Tensor)>,
    ) -> Said<Flow> {
        let own = make(None).rules().output_shape(&x.shape)?;
        if own != shape {
            return Err(format!("its output has the shape {shape:?}, that of the layer {own:?}"));
        }
        Ok(self.one(x, shape, make, weights))
    }

    /// The repetition of a vector: Expand of a step of length 1.
    pub(super) fn repeat(&mut self, x: &Flow) -> Said<Flow> {
        let wanted = self.constant(1)?.wholes()?.to_vec();
        let fail = || {
            Err(format!("{:?} to {wanted:?}; the repetition of a vector over time is supported", x.lens()))
        };
        let ([features], [Axis::Of(0), Axis::One, Axis::Of(1)]) = (&x.shape[..], &x.axes[..]) else {
            return fail();
        };
        let features = *features;
        let keeps = |len: i64, own: i64| len == 1 || len == own;
        match wanted[..] {
            [batch, n @ 1..=65536, len] if keeps(batch, x.lens()[0]) && keeps(len, features as i64) => {
                let n = n as usize;
                let flow = self.one(x, &[n, features], |name| RepeatVector { n, name }.into(), Vec::new());
                Ok(Flow { axes: super::plain(2), positive: x.positive, ..flow })
            }
            _ => fail(),
        }
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
                let sides = |n: usize| {
                    [0, 1].map(|end| {
                        let pads = if end == 0 { &window.before } else { &window.behind };
                        pads.get(n).copied().unwrap_or(0)
                    })
                };
                (Padding::Valid, Some(Sides { height: sides(0), width: sides(1) }))
            }
            (false, _, Some(_)) => return Err("with padding other than \"same\" that does not count".into()),
            (_, _, sides) => (padding, sides),
        };
        let x = self.padded(x, sides);
        let shape = [&window.out[..], &x.shape[x.shape.len() - 1..]].concat();
        let positive = x.positive;
        let make = |name| match (&window.size[..], &window.strides[..]) {
            ([pool_size], [strides]) => {
                let (pool_size, strides) = (*pool_size, Some(*strides).filter(|s| s != pool_size));
                match max {
                    true => MaxPooling1D { pool_size, strides, padding, name }.into(),
                    false => AveragePooling1D { pool_size, strides, padding, name }.into(),
                }
            }
            (size, steps) => {
                let pool_size = Pair(size[0], size[1]);
                let strides = Some(Pair(steps[0], steps[1])).filter(|s| *s != pool_size);
                match max {
                    true => MaxPooling2D { pool_size, strides, padding, name }.into(),
                    false => AveragePooling2D { pool_size, strides, padding, name }.into(),
                }
            }
        };
        Ok(Flow { positive, ..self.one(&x, &shape, make, Vec::new()) })
    }

    pub(super) fn global(&mut self, x: &Flow, keepdims: bool) -> Said<Flow> {
        let (image, channels) = match x.shape[..] {
            [_, _, channels] => (true, channels),
            [_, channels] => (false, channels),
            _ => return Err(format!("an input {:?}", x.lens())),
        };
        let kept = if image { vec![1, 1, channels] } else { vec![1, channels] };
        let shape = if keepdims { kept } else { vec![channels] };
        let max = ["GlobalMaxPool", "ReduceMax"].contains(&self.node.op());
        let make = |name| match (image, max) {
            (true, true) => GlobalMaxPooling2D { keepdims, name }.into(),
            (true, false) => GlobalAveragePooling2D { keepdims, name }.into(),
            (false, true) => GlobalMaxPooling1D { keepdims, name }.into(),
            (false, false) => GlobalAveragePooling1D { keepdims, name }.into(),
        };
        let flow = self.one(x, &shape, make, Vec::new());
        let axes = if keepdims { x.axes.clone() } else { super::plain(1) };
        Ok(Flow { axes, positive: x.positive, ..flow })
    }

    /// The mean over height and width, or over time.
    pub(super) fn mean(&mut self, x: &Flow) -> Said<Flow> {
        let axes = match self.optional(1)? {
            Some(t) => t.wholes()?.to_vec(),
            None => self.node.ints("axes").unwrap_or_default().to_vec(),
        };
        let mut taken: Vec<Axis> = axes.iter().map(|n| x.axis(*n).map(|n| x.axes[n])).collect::<Said<_>>()?;
        taken.sort_unstable_by_key(|axis| if let Axis::Of(n) = axis { *n } else { usize::MAX });
        let wanted: Vec<Axis> = (1..x.shape.len()).map(Axis::Of).collect();
        if ![2, 3].contains(&x.shape.len()) || taken != wanted {
            return Err(format!(
                "over the axes {axes:?}; only height and width together, or time, are supported"
            ));
        }
        self.global(x, self.node.int("keepdims", 1) == 1)
    }

    /// Zeros around an image or a sequence; pads below zero take its edges off.
    pub(super) fn pad(&mut self, x: &Flow) -> Said<Flow> {
        let pads = match self.optional(1)? {
            Some(t) => t.wholes()?.to_vec(),
            None => self.node.ints("pads").ok_or("it has no pads")?.to_vec(),
        };
        if let Some(pad) = pads.iter().find(|pad| pad.unsigned_abs() > 1 << 20) {
            return Err(format!("pads has {pad}, expected at most {}", 1 << 20));
        }
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
        let last = x.shape.len();
        if pads.len() != 2 * rank || ![2, 3].contains(&last) {
            return Err(format!("pads {pads:?} of {:?}", x.lens()));
        }
        let of = |axis: usize| {
            x.axes.iter().position(|a| *a == Axis::Of(axis)).map_or([0, 0], |n| [pads[n], pads[n + rank]])
        };
        if of(0) != [0, 0] || of(last) != [0, 0] {
            return Err(format!("pads {pads:?}, which reach beyond height, width and time"));
        }
        let width = if last == 3 { of(2) } else { [0, 0] };
        let part = |sign: i64| {
            let ends = |pads: [i64; 2]| pads.map(|pad| (pad * sign).max(0) as usize);
            let sides = Sides { height: ends(of(1)), width: ends(width) };
            (sides != Sides::from(0)).then_some(sides)
        };
        let x = self.cropped(x, part(-1))?;
        Ok(self.padded(&x, part(1)))
    }

    /// Appends cropping, if there is any.
    fn cropped(&mut self, x: &Flow, sides: Option<Sides>) -> Said<Flow> {
        let Some(cropping) = sides else { return Ok(x.clone()) };
        let layer: Layer = match x.shape.len() {
            3 => Cropping2D { cropping, name: None }.into(),
            _ => Cropping1D { cropping: cropping.height, name: None }.into(),
        };
        let shape = layer.rules().output_shape(&x.shape)?;
        let make = |name| match layer {
            Layer::Cropping2D(layer) => Cropping2D { name, ..layer }.into(),
            Layer::Cropping1D(layer) => Cropping1D { name, ..layer }.into(),
            other => other,
        };
        let wanted = format!("{}_cropping", self.name);
        let name = self.network.add(&wanted, std::slice::from_ref(&x.layer), make, Vec::new());
        Ok(Flow { positive: x.positive, ..x.through(&name, &shape) })
    }

    /// Resizing of images: repetition of pixels or steps by whole factors, or the values at the centres of pixels.
    pub(super) fn resize(&mut self, x: &Flow) -> Said<Flow> {
        let (rank, lens) = (x.axes.len(), x.lens());
        let word = |name, default: &str| self.node.text(name, default);
        let nearest = word("mode", "nearest") == "nearest";
        let coordinates = word("coordinate_transformation_mode", "half_pixel");
        let rounding = word("nearest_mode", "round_prefer_floor");
        let asymmetric = coordinates == "asymmetric";
        if nearest && asymmetric != (rounding == "floor") {
            return Err(
                "whose coordinate_transformation_mode and nearest_mode shift the image: asymmetric needs floor, \
                 half_pixel a rounding mode"
                    .into(),
            );
        }
        if !nearest && asymmetric {
            return Err("with values between pixels and a coordinate_transformation_mode of asymmetric, which shifts \
                        the image; half_pixel is supported"
                .into());
        }
        let axes: Vec<usize> = match self.node.ints("axes") {
            Some(axes) => axes.iter().map(|axis| x.axis(*axis)).collect::<Said<_>>()?,
            None => (0..rank).collect(),
        };
        // An empty tensor stands for one that is left out.
        let given = |n: usize| self.optional(n).map(|t| t.filter(|t| !t.is_empty()));
        let (mut factors, mut wanted) = (vec![1.0; rank], lens.clone());
        let (scales, sizes) = (given(2)?, given(3)?);
        let count = scales.or(sizes).map_or(0, Tensor::len);
        match (scales, sizes) {
            (Some(_), Some(_)) | (None, None) => return Err("with both scales and sizes, or neither".into()),
            _ if count != axes.len() => {
                return Err(format!("with {count} scales or sizes for {} axes", axes.len()));
            }
            (Some(scales), None) => {
                for (at, scale) in axes.iter().zip(scales.reals()?) {
                    factors[*at] = f64::from(*scale);
                    if lens[*at] != -1 {
                        wanted[*at] = (lens[*at] as f64 * f64::from(*scale)).floor() as i64;
                    }
                }
            }
            (None, Some(sizes)) => {
                for (at, len) in axes.iter().zip(sizes.wholes()?).filter(|(at, _)| lens[**at] != -1) {
                    (factors[*at], wanted[*at]) = (*len as f64 / lens[*at] as f64, *len);
                }
            }
        }
        let whole = |factor: &f64| (1.0..=1024.0).contains(factor) && factor.fract() == 0.0;
        let repeats = factors.iter().all(whole) && (nearest || scales.is_some());
        let last = x.shape.len();
        let image = last == 3 && !asymmetric;
        if !repeats && !image {
            return Err(format!(
                "by {factors:?} of {:?}; a whole factor for each axis is supported, and any size of images where \
                 coordinate_transformation_mode is half_pixel",
                x.lens()
            ));
        }
        let place = |axis: usize| x.axes.iter().position(|a| *a == Axis::Of(axis));
        let of = |axis: usize| place(axis).map_or(1.0, |n| factors[n]);
        if ![2, 3].contains(&last) || of(0) != 1.0 || of(last) != 1.0 || !nearest && last == 2 {
            return Err(format!(
                "by {factors:?} of {:?}; only height, width and time are supported, and of time only repetition",
                x.lens()
            ));
        }
        let mut shape = x.shape.clone();
        let interpolation = if nearest { Interpolation::Nearest } else { Interpolation::Bilinear };
        let flow = if !repeats {
            let (mut len, word) = ([0, 0], coordinates.as_str());
            for (n, len) in len.iter_mut().enumerate() {
                let at = place(n + 1).ok_or("without height or width")?;
                *len = resized_axis(x.shape[n], wanted[at], factors[at], word)?;
                if nearest && rounding == "round_prefer_floor" && has_ties(x.shape[n], *len) {
                    return Err(format!(
                        "by {factors:?} of {:?}, where pixels lie between two of equal distance; nearest_mode \
                         round_prefer_ceil is supported",
                        x.lens()
                    ));
                }
                shape[n] = *len;
            }
            let layer = Resizing { interpolation, ..Resizing::new(len[0], len[1]) };
            layer.output_shape(&x.shape)?;
            self.one(x, &shape, |name| Resizing { name, ..layer }.into(), Vec::new())
        } else if last == 3 {
            let size = Pair(of(1) as usize, of(2) as usize);
            (shape[0], shape[1]) = (shape[0] * size.0, shape[1] * size.1);
            let layer = UpSampling2D { interpolation, ..UpSampling2D::new(size) };
            layer.output_shape(&x.shape)?;
            self.one(x, &shape, |name| UpSampling2D { name, ..layer }.into(), Vec::new())
        } else {
            let size = of(1) as usize;
            shape[0] *= size;
            self.one(x, &shape, |name| UpSampling1D { size, name }.into(), Vec::new())
        };
        Ok(Flow { positive: x.positive, ..flow })
    }
}

/// The length of an axis that is resized to `wanted` by a factor; `word` says how places are found.
fn resized_axis(len: usize, wanted: i64, factor: f64, word: &str) -> Said<usize> {
    let out = usize::try_from(wanted).unwrap_or(0);
    if !(1..=1 << 16).contains(&out) {
        return Err(format!("{len} pixels to {wanted}, expected 1 to {}", 1 << 16));
    }
    if (out as f64 / len as f64 - factor).abs() > 1e-6 * factor {
        return Err(format!("{len} pixels by {factor}, which is no whole number of pixels; give sizes"));
    }
    if word == "pytorch_half_pixel" && out == 1 && len > 1 {
        return Err(
            "to one pixel with pytorch_half_pixel, which takes the first; half_pixel is supported".into()
        );
    }
    Ok(out)
}

/// True if the centre of a pixel of `out` lies in the middle between two of `len`.
fn has_ties(len: usize, out: usize) -> bool {
    (0..out).any(|at| ((2 * at + 1) * len).is_multiple_of(2 * out))
}

/// Expands the pads of some axes to those of all axes: first the pads before each axis, then those after it.
fn of_axes(pads: &[i64], axes: &[i64], rank: usize) -> Said<Vec<i64>> {
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
