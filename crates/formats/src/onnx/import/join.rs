//! Nodes that combine several values of the network.

use super::{Flow, Said, layers::Reader, sequence};
use wgrad::layers::{Add, Average, Concatenate, Layer, Maximum, Minimum, Multiply, Subtract};

impl Reader<'_, '_> {
    /// Imports a node of several values, such as Add or Concat; all inputs must have the same order of axes.
    pub(super) fn join(&mut self, layer: Layer) -> Said<Flow> {
        let flows = (0..self.inputs.len()).map(|n| self.flow(n)).collect::<Said<Vec<_>>>()?;
        let mut flows: Vec<Flow> = flows.into_iter().cloned().collect();
        // Beside a sequence, an image of one channel is one, too.
        if flows.iter().any(|flow| flow.shape.len() == 2) {
            for flow in &mut flows {
                let positive = flow.positive;
                *flow = Flow { positive, ..sequence::of_image(self.network, flow, self.name)? };
            }
        }
        let first = &flows[0];
        for flow in &flows {
            flow.settled()?;
            if flow.axes != first.axes || flow.gather.is_some() && matches!(layer, Layer::Concatenate(_)) {
                return Err("it joins values whose axes come in different orders".into());
            }
            if flow.gather != first.gather {
                return Err("it joins values that were flattened in different orders".into());
            }
        }
        let mut shape = first.shape.clone();
        if matches!(layer, Layer::Concatenate(_)) {
            let axis = self.node.attribute("axis").and_then(|a| a.i).ok_or("it names no axis")?;
            let at = first.axis(axis)?;
            if !first.is_last(at) {
                return Err("along another axis than that of channels".into());
            }
            if let Some(last) = shape.last_mut() {
                *last = flows.iter().filter_map(|flow| flow.shape.last()).sum();
            }
        } else {
            let shapes: Vec<Vec<usize>> = flows.iter().map(|flow| flow.shape.clone()).collect();
            shape = layer.rules().joined_shape(&shapes)?;
        }
        let inputs: Vec<Option<String>> = flows.iter().map(|flow| flow.layer.clone()).collect();
        let make = |name| match layer {
            Layer::Add(_) => Add { name }.into(),
            Layer::Multiply(_) => Multiply { name }.into(),
            Layer::Subtract(_) => Subtract { name }.into(),
            Layer::Average(_) => Average { name }.into(),
            Layer::Maximum(_) => Maximum { name }.into(),
            Layer::Minimum(_) => Minimum { name }.into(),
            _ => Concatenate { name, ..Concatenate::new() }.into(),
        };
        let name = self.network.add(self.name, &inputs, make, Vec::new());
        let positive = flows.iter().all(|flow| flow.positive) && self.node.op() != "Sub";
        Ok(Flow { positive, ..first.through(&name, &shape) })
    }
}
