//! Nodes that take an order of axes which no layer takes. The order is followed through the file at no cost as long as
//! layers agree with it; where one does not, the network moves the axes itself.

use super::{Axis, Flow, Said, Value, layers, network::Network, plain};
use crate::onnx::attributes::Node;
use wgrad::layers::{Permute, Rules};

/// Imports a node; if that fails because of the order of its inputs' axes, with the axes moved before it.
pub(super) fn node(
    network: &mut Network,
    node: &Node<'_>,
    inputs: &[Option<Value>],
    name: &str,
    sole: bool,
) -> Said<Flow> {
    let said = match network.attempt(|network| layers::node(network, node, inputs, name, sole)) {
        Ok(flow) => return Ok(flow),
        Err(said) => said,
    };
    for channels_first in [false, true] {
        let found = network.attempt(|network| {
            let (mut moves, mut all) = (false, Vec::new());
            for input in inputs {
                let moved = match input {
                    Some(Value::Flow(x)) => moved(network, x, channels_first, name).map(Value::Flow),
                    _ => None,
                };
                moves |= moved.is_some();
                all.push(moved.or_else(|| input.clone()));
            }
            match moves {
                true => layers::node(network, node, &all, name, sole),
                false => Err(String::new()),
            }
        });
        if found.is_ok() {
            return found;
        }
    }
    Err(said)
}

/// The sequence that a recurrent node takes, with its axes in wgrad's order but for the batch.
pub(super) fn in_order(network: &mut Network, x: &Flow, name: &str) -> Flow {
    moved(network, x, false, name).unwrap_or_else(|| x.clone())
}

/// Appends the layer that gives wgrad's tensor the file's order of axes, the batch apart; with `channels_first`, the
/// file's first axis becomes the last. `None` where nothing has to be moved, or the flow is no plain tensor.
fn moved(network: &mut Network, x: &Flow, channels_first: bool, name: &str) -> Option<Flow> {
    let place = |axis: &Axis| if let Axis::Of(n) = axis { Some(*n) } else { None };
    let axes: Vec<usize> = x.axes.iter().map(place).collect::<Option<_>>()?;
    let rank = x.shape.len();
    if x.raw || x.whole || x.flipped || x.gather.is_some() || axes.len() != rank + 1 {
        return None;
    }
    let mut dims: Vec<usize> = axes.iter().copied().filter(|axis| *axis != 0).collect();
    let mut own = plain(rank);
    if channels_first {
        if axes[0] != 0 || rank < 2 {
            return None;
        }
        dims.rotate_left(1);
        own = [0, rank].into_iter().chain(1..rank).map(Axis::Of).collect();
    } else if let Some(at) = axes.iter().position(|axis| *axis == 0) {
        let batch = own.remove(0);
        own.insert(at, batch);
    }
    if dims.len() != rank || dims.is_sorted() {
        return None;
    }
    let layer = Permute::new(&dims);
    let shape = layer.output_shape(&x.shape).ok()?;
    let make = |name| Permute { name, ..layer }.into();
    let name = network.add(&format!("{name}_axes"), std::slice::from_ref(&x.layer), make, Vec::new());
    Some(Flow { axes: own, positive: x.positive, ..x.through(&name, &shape) })
}
