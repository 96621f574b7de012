//! Nodes with weights along the last axis: products, normalizations, slopes.

use super::{
    Axis, Flow, Said,
    layers::{Reader, reordered},
    short,
};
use crate::onnx::tensor::Tensor;
use wgrad::layers::{BatchNormalization, Dense, Dot, EinsumDense, Layer, LayerNormalization, PReLU, Rules};

/// Multiplies a tensor by a number.
fn scaled(tensor: &Tensor, by: f32) -> Said<Tensor> {
    match by {
        1.0 => Ok(tensor.clone()),
        _ => Ok(Tensor::real(&tensor.shape, tensor.reals()?.iter().map(|v| v * by).collect())),
    }
}

impl Reader<'_, '_> {
    pub(super) fn gemm(&mut self, x: &Flow) -> Said<Flow> {
        let (alpha, beta) = (self.node.float("alpha", 1.0), self.node.float("beta", 1.0));
        if x.axes.len() != 2 {
            return Err(format!("a product of {:?}; it takes two axes", x.lens()));
        }
        let w = self.constant(1)?;
        if w.shape.len() != 2 {
            return Err(format!("a matrix {:?}", w.shape));
        }
        let w = if self.node.int("transB", 0) != 0 { w.transposed(&[1, 0]) } else { w.clone() };
        let bias = self.optional(2)?;
        let spread = |c: &Tensor| match c.shape[..] {
            // A bias with more than one row would differ between the images of a batch.
            [] | [_] | [1, _] => scaled(&c.reshaped(&[c.len()])?.expanded(&w.shape[1..])?, beta),
            _ => Err(format!("a bias {:?}", c.shape)),
        };
        let bias = bias.map(spread).transpose()?;
        self.dense(x, &scaled(&w, alpha)?, bias)
    }

    pub(super) fn matmul(&mut self, x: &Flow) -> Said<Flow> {
        let w = self.constant(1)?.clone();
        self.dense(x, &w, None)
    }

    pub(super) fn dense(&mut self, x: &Flow, w: &Tensor, bias: Option<Tensor>) -> Said<Flow> {
        x.settled()?;
        let [rows, units] = w.shape[..] else { return Err(format!("a matrix {:?}", w.shape)) };
        if !x.is_last(x.axes.len() - 1) || x.shape.last() != Some(&rows) {
            return Err(format!("a product of {:?} with {:?}", x.lens(), w.shape));
        }
        // The kernel's rows, in the order of the values in wgrad.
        let kernel = match &x.gather {
            Some(gather) => {
                let mut from = vec![0; rows];
                for (n, to) in gather.iter().enumerate() {
                    from[*to] = n;
                }
                let places: Vec<usize> = from.iter().flat_map(|n| n * units..(n + 1) * units).collect();
                w.pick(&w.shape, &places)
            }
            None => w.clone(),
        };
        let mut shape = x.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = units;
        }
        let use_bias = bias.is_some();
        let weights = std::iter::once(("kernel", kernel)).chain(bias.map(|bias| ("bias", bias))).collect();
        let flow = self.one(x, &shape, |name| Dense { use_bias, name, ..Dense::new(units) }.into(), weights);
        Ok(Flow { gather: None, ..flow })
    }

    /// A product by an equation with a constant kernel.
    pub(super) fn einsum(&mut self, x: &Flow) -> Said<Flow> {
        let kernel = self.constant(1)?.clone();
        if self.inputs.len() != 2 {
            return Err(format!(
                "of {} values; those of a value and a constant kernel are supported",
                self.inputs.len()
            ));
        }
        if x.settled()?.axes != super::plain(x.shape.len()) || x.gather.is_some() {
            return Err(format!("an input {:?} in another order of axes", x.lens()));
        }
        let layer = EinsumDense::of_kernel(&self.node.text("equation", ""), &kernel.shape)?;
        let shape = layer.output_shape(&x.shape)?;
        let make = |name| EinsumDense { name, ..layer }.into();
        let flow = self.one(x, &shape, make, vec![("kernel", kernel)]);
        Ok(Flow { axes: super::plain(shape.len()), ..flow })
    }

    /// Returns true if the previous layer is a product by an equation, which takes `c` as its bias.
    pub(super) fn einsum_bias(&mut self, x: &Flow, c: &Tensor) -> bool {
        let Some(built) = self.network.layer(x.layer.as_deref()) else { return false };
        let Layer::EinsumDense(layer) = &mut built.layer else { return false };
        let new = layer.new_axes();
        if layer.bias_axes.is_some() || x.axes != super::plain(x.shape.len()) || !x.shape.ends_with(&c.shape)
        {
            return false;
        }
        if new.len() != c.shape.len() || c.reals().is_err() {
            return false;
        }
        layer.bias_axes = Some(new.to_string());
        let name = built.name.clone();
        self.network.set(&name, "bias", c.clone());
        true
    }

    /// The product of two values of the network, matrices for each image; a vector has an axis that only the file has.
    pub(super) fn dot(&mut self, a: &Flow, b: &Flow) -> Said<Flow> {
        // The axis of the layer that is summed over, and true if there is no other.
        let side = |x: &Flow, last: bool| {
            let (summed, other) = match x.settled()?.axes[..] {
                [Axis::Of(0), rows, columns] if last && x.gather.is_none() => (columns, rows),
                [Axis::Of(0), rows, columns] if x.gather.is_none() => (rows, columns),
                _ => (Axis::One, Axis::One),
            };
            match (summed, other) {
                (Axis::Of(n), Axis::Of(_) | Axis::One) => Ok((n as i64, other == Axis::One)),
                _ => Err(format!(
                    "a product with {:?}; those of two matrices for each image are supported",
                    x.lens()
                )),
            }
        };
        let ((first, row), (second, column)) = (side(a, true)?, side(b, false)?);
        let layer = Dot::new([first, second]);
        let shape = layer.joined_shape(&[a.shape.clone(), b.shape.clone()])?;
        let axes = match (row, column) {
            (true, _) => vec![Axis::Of(0), Axis::One, Axis::Of(1)],
            (false, true) => vec![Axis::Of(0), Axis::Of(1), Axis::One],
            (false, false) => super::plain(2),
        };
        let make = |name| Dot { name, ..layer }.into();
        let name = self.network.add(self.name, &[a.layer.clone(), b.layer.clone()], make, Vec::new());
        Ok(Flow { positive: a.positive && b.positive, ..Flow::new(&name, &shape, axes) })
    }

    pub(super) fn batch_norm(&mut self, x: &Flow) -> Said<Flow> {
        if x.axes.len() < 2 || !x.is_last(1) {
            return Err(format!("an input {:?} whose second axis is not that of channels", x.lens()));
        }
        let own = |n: usize| -> Said<Tensor> {
            let given = self.constant(n)?;
            if x.shape.last().is_none_or(|channels| given.shape != [*channels]) {
                return Err(format!("numbers {:?} for the channels of {:?}", given.shape, x.lens()));
            }
            Ok(reordered(given, x))
        };
        let weights = vec![
            ("gamma", own(1)?),
            ("beta", own(2)?),
            ("moving_mean", own(3)?),
            ("moving_variance", own(4)?),
        ];
        let (epsilon, momentum) =
            (short(self.node.float("epsilon", 1e-5)), short(self.node.float("momentum", 0.9)));
        let make = |name| BatchNormalization { momentum, epsilon, name, ..BatchNormalization::new() }.into();
        Ok(self.one(x, &x.shape, make, weights))
    }

    /// The number of channels that a normalization goes over: those of the last axis.
    pub(super) fn last_channels(&self, x: &Flow) -> Said<usize> {
        let at = x.axis(self.node.int("axis", -1))?;
        if at + 1 != x.axes.len() || !x.is_last(at) {
            return Err("over axes other than the last, that of channels".into());
        }
        Ok(x.shape.last().copied().unwrap_or(1))
    }

    pub(super) fn layer_norm(&mut self, x: &Flow) -> Said<Flow> {
        let channels = self.last_channels(x)?;
        let gamma = reordered(&self.constant(1)?.expanded(&[channels])?, x);
        let beta = self
            .optional(2)?
            .map(|t| Ok::<_, String>(reordered(&t.expanded(&[channels])?, x)))
            .transpose()?;
        let center = beta.is_some();
        let weights = std::iter::once(("gamma", gamma)).chain(beta.map(|b| ("beta", b))).collect();
        let epsilon = short(self.node.float("epsilon", 1e-5));
        let make = |name| LayerNormalization { epsilon, center, scale: true, name }.into();
        Ok(self.one(x, &x.shape, make, weights))
    }

    pub(super) fn prelu(&mut self, x: &Flow, slope: &Tensor) -> Said<Flow> {
        if x.gather.is_some() {
            return Err("after a flattening of images whose channels come first".into());
        }
        // First the axes of the file, with the batch in front, then those of wgrad.
        let rank = x.axes.len();
        let mut lens = vec![1; rank.saturating_sub(slope.shape.len())];
        lens.extend(&slope.shape);
        if lens.len() != rank || lens[0] != 1 || x.axes[0] != Axis::Of(0) || x.axes.contains(&Axis::One) {
            return Err(format!("a slope {:?} for {:?}", slope.shape, x.lens()));
        }
        let order: Vec<usize> = (1..rank)
            .map(|axis| {
                x.axes.iter().position(|a| *a == Axis::Of(axis)).ok_or("axes that do not belong to it")
            })
            .collect::<Result<_, _>>()?;
        let slope = slope.reshaped(&lens[1..])?.transposed(&order.iter().map(|n| n - 1).collect::<Vec<_>>());
        let shared = slope.shape.iter().take_while(|len| **len == 1).count();
        let shape: Vec<usize> =
            x.shape.iter().enumerate().map(|(n, len)| if n < shared { 1 } else { *len }).collect();
        let weights = vec![("alpha", slope.expanded(&shape)?)];
        let shared_axes: Vec<usize> = (1..=shared).collect();
        Ok(self.one(x, &x.shape, |name| PReLU { shared_axes, name }.into(), weights))
    }
}
