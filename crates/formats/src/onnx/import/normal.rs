//! Normalizations of groups of channels, by the root mean square, and to length 1: operators, and what files write in
//! place of them.

use super::{
    Axis, Flow, Said, Value,
    layers::{Reader, reordered},
    name_of,
    network::Network,
    sequence, short,
};
use crate::onnx::{
    attributes::{Node, reshaped},
    proto::NodeProto,
    tensor::Tensor,
};
use std::{collections::BTreeMap, iter::repeat_n, rc::Rc};
use wgrad::layers::{GroupNormalization, Layer, RMSNormalization, UnitNormalization};

/// True if the second axis is that of channels, and the first that of the batch, as operators on groups take them.
fn channels_second(x: &Flow) -> bool {
    x.axes.first() == Some(&Axis::Of(0)) && x.axes.len() > 1 && x.is_last(1) && x.gather.is_none()
}

/// One number for each channel, of one for each channel or for each group.
fn by_channel(given: &Tensor, groups: usize, channels: usize) -> Said<Tensor> {
    match given.shape[..] {
        [len] if len == channels => Ok(given.clone()),
        [len] if len == groups => {
            let each = given.reals()?.iter().flat_map(|v| repeat_n(*v, channels / groups));
            Ok(Tensor::real(&[channels], each.collect()))
        }
        _ => Err(format!("numbers {:?} for {channels} channels in {groups} groups", given.shape)),
    }
}

impl Reader<'_, '_> {
    /// A normalization of groups of channels; of each channel by itself where `groups` is `None`.
    pub(super) fn group_norm(&mut self, x: &Flow, groups: Option<i64>) -> Said<Flow> {
        if !channels_second(x) {
            return Err(format!("an input {:?} whose second axis is not that of channels", x.lens()));
        }
        let channels = x.shape.last().copied().unwrap_or(1);
        let layer = GroupNormalization {
            epsilon: short(self.node.float("epsilon", 1e-5)),
            ..GroupNormalization::new(groups.unwrap_or(-1))
        };
        let count = layer.count(channels)?;
        let own = |n: usize| by_channel(self.constant(n)?, count, channels);
        let weights = vec![("gamma", own(1)?), ("beta", own(2)?)];
        Ok(self.one(x, &x.shape, |name| GroupNormalization { name, ..layer }.into(), weights))
    }

    pub(super) fn root_mean_square(&mut self, x: &Flow) -> Said<Flow> {
        let channels = self.last_channels(x)?;
        let scale = reordered(&self.constant(1)?.expanded(&[channels])?, x);
        let epsilon = short(self.node.float("epsilon", 1e-5));
        let make = |name| RMSNormalization { epsilon, name }.into();
        Ok(self.one(x, &x.shape, make, vec![("scale", scale)]))
    }

    pub(super) fn unit_norm(&mut self, x: &Flow) -> Said<Flow> {
        if !x.is_last(x.axis(self.node.int("axis", -1))?) {
            return Err("over an axis other than that of channels".into());
        }
        Ok(self.one(x, &x.shape, |name| UnitNormalization { name }.into(), Vec::new()))
    }

    /// Returns true if the previous normalization takes `c` as its factors, or its terms.
    pub(super) fn normal(&mut self, x: &Flow, c: &Tensor) -> bool {
        let Some(name) = x.layer.clone() else { return false };
        let unscaled = self.network.unscaled.contains(&name);
        let Some(built) = self.network.layer(Some(&name)) else { return false };
        let short = match (&mut built.layer, self.node.op()) {
            // gamma multiplies before beta is added.
            (Layer::GroupNormalization(layer), "Mul") if !layer.scale && !layer.center => {
                layer.scale = true;
                "gamma"
            }
            (Layer::GroupNormalization(layer), "Add") if !layer.center => {
                layer.center = true;
                "beta"
            }
            (Layer::RMSNormalization(_), "Mul") if unscaled => "scale",
            _ => return false,
        };
        self.network.unscaled.remove(&name);
        self.network.set(&name, short, c.clone());
        true
    }
}

/// The layer x / √(mean of x² + epsilon) that several nodes up to `last` compute; `mean` is their ReduceMean, with
/// constant inputs from `values`.
pub(super) fn written_root_mean_square(
    network: &mut Network,
    values: &BTreeMap<&str, Value>,
    x: &Flow,
    [mean, last]: [&NodeProto; 2],
    epsilon: f32,
) -> Said<Flow> {
    let node = Node(mean);
    let mut x = x.settled()?.clone();
    if x.axes.len() == 3 {
        x = Flow { positive: x.positive, ..sequence::of_image(network, &x, name_of(last))? };
    }
    let axes = match constant(values, mean, 1) {
        Some(axes) => axes.wholes()?.to_vec(),
        None => node.ints("axes").unwrap_or_default().to_vec(),
    };
    let over = match axes[..] {
        [axis] => x.is_last(x.axis(axis)?),
        _ => false,
    };
    if !over || node.int("keepdims", 1) != 1 {
        return Err(format!(
            "a root mean square over the axes {axes:?} of {:?}; only that of channels, kept, is supported",
            x.lens()
        ));
    }
    let channels = x.shape.last().copied().unwrap_or(1);
    let make = |name| RMSNormalization { epsilon: short(epsilon), name }.into();
    let ones = vec![("scale", Tensor::real(&[channels], vec![1.0; channels]))];
    let name = network.add(name_of(last), std::slice::from_ref(&x.layer), make, ones);
    network.unscaled.insert(name.clone());
    Ok(x.through(&name, &x.shape))
}

/// The layer that normalizes groups of channels, where three nodes do: the first makes channels of the groups, the
/// second normalizes each by itself, the last restores the channels. `None` where they do something else.
pub(super) fn written_groups(
    network: &mut Network,
    values: &BTreeMap<&str, Value>,
    [split, normal, last]: [&NodeProto; 3],
) -> Said<Option<Flow>> {
    let Some(Value::Flow(x)) = split.input.first().and_then(|name| values.get(name.as_str())) else {
        return Ok(None);
    };
    if x.settled().is_err() || x.whole || !channels_second(x) {
        return Ok(None);
    }
    let channels = x.shape.last().copied().unwrap_or(1);
    let lens: Vec<usize> = x.lens()[1..].iter().map(|len| *len as usize).collect();
    // The shape behind a Reshape, without the batch.
    let target = |node: &NodeProto, from: &[usize]| -> Option<Vec<usize>> {
        let shape = constant(values, node, 1)?;
        let rest = shape.wholes().ok()?.get(1..)?;
        reshaped(from, rest, Node(node).int("allowzero", 0) == 1).ok()
    };
    let Some([groups, _]) = target(split, &lens).and_then(|shape| <[usize; 2]>::try_from(shape).ok()) else {
        return Ok(None);
    };
    let layer = GroupNormalization {
        epsilon: short(Node(normal).float("epsilon", 1e-5)),
        ..GroupNormalization::new(groups as i64)
    };
    let total: usize = lens.iter().product();
    let restored = target(last, &[groups, total / groups.max(1)]);
    let (Some(factors), Some(terms)) = (constant(values, normal, 1), constant(values, normal, 2)) else {
        return Ok(None);
    };
    if layer.count(channels).is_err() || restored != Some(lens) {
        return Ok(None);
    }
    let (factors, terms) = (by_channel(&factors, groups, channels)?, by_channel(&terms, groups, channels)?);
    let scale = factors.reals()?.iter().any(|factor| *factor != 1.0);
    let center = terms.reals()?.iter().any(|term| *term != 0.0);
    let weights = [(scale, "gamma", factors), (center, "beta", terms)];
    let weights = weights.into_iter().filter(|(there, ..)| *there).map(|(_, short, t)| (short, t)).collect();
    let make = |name| GroupNormalization { scale, center, name, ..layer }.into();
    let name = network.add(name_of(normal), std::slice::from_ref(&x.layer), make, weights);
    Ok(Some(x.through(&name, &x.shape)))
}

/// Input `n` of a node, if it is a constant.
fn constant(values: &BTreeMap<&str, Value>, node: &NodeProto, n: usize) -> Option<Rc<Tensor>> {
    match values.get(node.input.get(n)?.as_str()) {
        Some(Value::Constant(tensor)) => Some(tensor.clone()),
        _ => None,
    }
}
