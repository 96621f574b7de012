//! Imports RNN, LSTM and GRU as layers, together with the nodes that split their outputs.

use super::{Axis, Flow, Import, Said, Value, gates::activations, layers};
use crate::onnx::{attributes::Node, recurrence::from_onnx, tensor::Tensor};
use wgrad::layers::{
    ActivationName, Bidirectional, Cell, GRU, InputLayer, LSTM, Layer, MergeMode, Recurrent, SimpleRNN,
};

/// The configuration of a recurrent node, for one direction.
struct Cells {
    cell: Cell,
    units: usize,
    use_bias: bool,
    sequences: bool,
    backwards: bool,
    activation: ActivationName,
    recurrent_activation: ActivationName,
}

impl Cells {
    fn layer(&self, name: Option<String>) -> Recurrent {
        let Self { units, use_bias, activation, recurrent_activation, .. } = *self;
        let (return_sequences, go_backwards) = (self.sequences, self.backwards);
        match self.cell {
            Cell::Simple => {
                let layer = SimpleRNN::new(units);
                SimpleRNN { activation, use_bias, return_sequences, go_backwards, name, ..layer }.into()
            }
            Cell::Lstm => {
                let layer = LSTM::new(units);
                LSTM {
                    activation,
                    recurrent_activation,
                    use_bias,
                    return_sequences,
                    go_backwards,
                    name,
                    ..layer
                }
                .into()
            }
            Cell::Gru => {
                let layer = GRU::new(units);
                GRU {
                    activation,
                    recurrent_activation,
                    use_bias,
                    return_sequences,
                    go_backwards,
                    name,
                    ..layer
                }
                .into()
            }
        }
    }
}

/// Appends the layer. Returns the outputs of the node that are used.
pub(super) fn layer<'a>(
    import: &mut Import<'a>,
    node: &Node<'a>,
    inputs: &[Option<Value>],
    name: &str,
) -> Said<Vec<(&'a str, Flow)>> {
    let Some(Some(Value::Flow(x))) = inputs.first() else {
        return Err("input 1 does not follow from the image".into());
    };
    x.settled()?;
    let wanted = match node.int("layout", 0) {
        0 => [1, 0, 2],
        _ => [0, 1, 2],
    };
    let x = super::sequence::of_image(&mut import.network, x, name)?;
    let x = super::moved::in_order(&mut import.network, &x, name);
    if x.axes != wanted.map(Axis::Of) {
        return Err(format!("an input {:?}; it takes time, batch and features", x.lens()));
    }
    let tensor = |n: usize| match inputs.get(n) {
        Some(Some(Value::Constant(t))) => Ok(Some(&**t)),
        None | Some(None) => Ok(None),
        Some(Some(Value::Zeros)) if n >= 5 => Ok(None),
        _ => Err(format!("input {} is not part of the file", n + 1)),
    };
    for n in 4..8 {
        let zeros = tensor(n)?.is_none_or(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0)));
        if !zeros {
            return Err("sequences of different lengths, a first state other than zeros, or peepholes".into());
        }
    }
    let (w, r) = (tensor(1)?.ok_or("it has no weights")?, tensor(2)?.ok_or("it has no recurrent weights")?);
    let output = |n: usize| node.0.output.get(n).map(String::as_str).filter(|name| import.uses(name) > 0);
    let (all, last) = (output(0), output(1));
    if output(2).is_some() || all.is_some() && last.is_some() {
        return Err("more than one of its outputs is used; wgrad gives all states or the last".into());
    }
    let &[directions @ (1 | 2), _, units] = &r.shape[..] else {
        return Err(format!("recurrent weights {:?}; they are one or two directions, gates, units", r.shape));
    };
    let direction = node.text("direction", "forward");
    if (direction == "bidirectional") != (directions == 2) {
        return Err(format!("the direction {direction} with recurrent weights {:?}", r.shape));
    }
    if node.int("hidden_size", units as i64) != units as i64 {
        return Err(format!(
            "hidden_size is {}, its recurrent weights {:?}",
            node.int("hidden_size", 0),
            r.shape
        ));
    }
    let (activation, recurrent_activation) = activations(node, directions)?;
    let cells = Cells {
        cell: cell(node)?,
        units,
        use_bias: tensor(3)?.is_some(),
        sequences: all.is_some(),
        backwards: direction == "reverse",
        activation,
        recurrent_activation,
    };
    let columns = cells.cell.gates().saturating_mul(units);
    let features = x.shape.last().copied().unwrap_or(1);
    let wanted = [vec![columns, features], vec![columns, units], vec![columns.saturating_mul(2)]];
    for (n, wanted) in wanted.into_iter().enumerate() {
        let wanted = [vec![directions], wanted].concat();
        if let Some(given) = tensor(n + 1)?.filter(|t| t.shape != wanted) {
            return Err(format!("weights {:?}; input {} is {wanted:?} here", given.shape, n + 2));
        }
    }
    let prefixes: &[&str] = if directions == 2 { &["forward_", "backward_"] } else { &[""] };
    let mut weights = Vec::new();
    for (n, prefix) in prefixes.iter().enumerate() {
        for (short, tensor) in own_weights(&cells, n, w, r, tensor(3)?)? {
            weights.push((format!("{prefix}{short}"), tensor));
        }
    }
    let weights = weights.iter().map(|(short, tensor)| (short.as_str(), tensor.clone())).collect();
    let make = |name: Option<String>| match directions {
        2 => Bidirectional { name, ..Bidirectional::new(cells.layer(None)) }.into(),
        _ => match cells.layer(name) {
            Recurrent::SimpleRNN(layer) => Layer::from(layer),
            Recurrent::LSTM(layer) => layer.into(),
            Recurrent::GRU(layer) => layer.into(),
        },
    };
    let name = import.network.add(name, std::slice::from_ref(&x.layer), make, weights);
    let mut shape = if cells.sequences { vec![x.shape[0]] } else { Vec::new() };
    shape.push(cells.units * directions);
    let side = if directions == 2 { vec![Axis::Directions] } else { vec![Axis::One] };
    let end = if directions == 2 { Axis::Units } else { Axis::Of(shape.len()) };
    let batch_first = node.int("layout", 0) == 1;
    let axes = match (cells.sequences, batch_first) {
        (true, false) => [vec![Axis::Of(1)], side, vec![Axis::Of(0), end]].concat(),
        (true, true) => [vec![Axis::Of(0), Axis::Of(1)], side, vec![end]].concat(),
        (false, false) => [side, vec![Axis::Of(0), end]].concat(),
        (false, true) => [vec![Axis::Of(0)], side, vec![end]].concat(),
    };
    let flow = Flow { flipped: cells.backwards && cells.sequences, ..Flow::new(&name, &shape, axes) };
    Ok(all.or(last).map(|output| (output, flow)).into_iter().collect())
}

fn cell(node: &Node<'_>) -> Said<Cell> {
    match node.op() {
        "RNN" => Ok(Cell::Simple),
        "LSTM" => Ok(Cell::Lstm),
        _ if node.int("linear_before_reset", 0) == 1 => Ok(Cell::Gru),
        _ => Err(
            "the reset gate before the product (linear_before_reset = 0); wgrad applies it after, like cuDNN"
                .into(),
        ),
    }
}

/// Kernel, recurrent kernel and bias of one direction.
fn own_weights(
    cells: &Cells,
    n: usize,
    w: &Tensor,
    r: &Tensor,
    bias: Option<&Tensor>,
) -> Said<Vec<(&'static str, Tensor)>> {
    let own = |t: &Tensor| -> Said<Tensor> {
        let t = t.sliced(0, n, 1, 1);
        t.reshaped(&t.shape[1..])
    };
    let mut all = vec![
        ("kernel", from_onnx(cells.cell, cells.units, &own(w)?)?),
        ("recurrent_kernel", from_onnx(cells.cell, cells.units, &own(r)?)?),
    ];
    if let Some(bias) = bias {
        let (both, columns) = (own(bias)?, cells.cell.gates() * cells.units);
        let [input, state] =
            [0, 1].map(|n| from_onnx(cells.cell, cells.units, &both.sliced(0, n * columns, 1, columns)));
        let (input, state) = (input?, state?);
        let tensor = match cells.cell {
            Cell::Gru => Tensor::joined(&[&input, &state], 0)?.reshaped(&[2, columns])?,
            _ => {
                let sum = input.reals()?.iter().zip(state.reals()?).map(|(a, b)| a + b).collect();
                Tensor::real(&[columns], sum)
            }
        };
        all.push(("bias", tensor));
    }
    Ok(all)
}

impl layers::Reader<'_, '_> {
    /// Imports a Slice that takes one of several inputs, reverses time, or swaps the directions of a recurrent layer.
    pub(super) fn slice(&mut self, x: &Flow) -> Said<Flow> {
        let one = |n: usize| -> Said<i64> {
            match self.constant(n)?.wholes()? {
                [value] => Ok(*value),
                other => Err(format!("several axes at once: {other:?}")),
            }
        };
        let (start, end, at) = (one(1)?, one(2)?, x.axis(one(3)?)?);
        let step = if self.optional(4)?.is_some() { one(4)? } else { 1 };
        let len = x.lens()[at];
        if step == 1 && start == 0 && (end >= len && len > 0) {
            return Ok(x.clone());
        }
        // One of several inputs that come in one row.
        let row = x.layer.is_none() && !x.raw && x.shape[..2] == [1, 1] && x.axes[at] == Axis::Of(3);
        if row && step == 1 && (0..len).contains(&start) && end > start {
            let shape = [1, 1, (end.min(len) - start) as usize];
            let layer = InputLayer::new(&shape, start as usize);
            let name =
                self.network.add(self.name, &[None], |name| InputLayer { name, ..layer }.into(), Vec::new());
            return Ok(x.through(&name, &shape));
        }
        if step != -1 || !(start == -1 || start + 1 >= len) || end > -len {
            return Err("a part of an axis; only a whole reversed axis is supported".into());
        }
        match x.axes[at] {
            Axis::Of(1) if x.shape.len() == 2 => Ok(Flow { flipped: !x.flipped, ..x.clone() }),
            Axis::Directions => self.swap_directions(x),
            _ => Err("a reversed axis other than time".into()),
        }
    }

    /// Puts the second direction first, by a layer that runs backwards in its first direction.
    fn swap_directions(&mut self, x: &Flow) -> Said<Flow> {
        let built = self.network.layer(x.layer.as_deref()).ok_or("no layer")?;
        let name = built.name.clone();
        let Layer::Bidirectional(layer) = &mut built.layer else {
            return Err("no layer of two directions".into());
        };
        let backwards = match &mut layer.layer {
            Recurrent::SimpleRNN(layer) => &mut layer.go_backwards,
            Recurrent::LSTM(layer) => &mut layer.go_backwards,
            Recurrent::GRU(layer) => &mut layer.go_backwards,
        };
        if *backwards || !x.sole {
            return Err("directions reversed twice, or also used elsewhere".into());
        }
        *backwards = true;
        for short in ["kernel", "recurrent_kernel", "bias"] {
            let [first, second] = ["forward", "backward"]
                .map(|way| self.network.weights.remove(&format!("{name}.{way}_{short}")));
            for (way, tensor) in [("forward", second), ("backward", first)] {
                if let Some(tensor) = tensor {
                    self.network.set(&name, &format!("{way}_{short}"), tensor);
                }
            }
        }
        Ok(Flow { flipped: x.shape.len() == 2 && !x.flipped, ..x.clone() })
    }

    /// Sums both directions.
    pub(super) fn sum_of_directions(&mut self, x: &Flow) -> Said<Flow> {
        let axes = self.constant(1)?.wholes()?.to_vec();
        let [at] = axes[..] else { return Err(format!("over the axes {axes:?}")) };
        let at = x.axis(at)?;
        if x.axes[at] != Axis::Directions || self.node.int("keepdims", 1) == 1 || !x.sole {
            return Err("it sums something other than the directions of a recurrent layer".into());
        }
        let built = self.network.layer(x.layer.as_deref()).ok_or("no layer")?;
        let Layer::Bidirectional(layer) = &mut built.layer else {
            return Err("no layer of two directions".into());
        };
        layer.merge_mode = MergeMode::Sum;
        let mut flow = x.clone();
        flow.axes.remove(at);
        if let Some(last) = flow.shape.last_mut() {
            *last /= 2;
        }
        let rank = flow.shape.len();
        flow.axes.iter_mut().filter(|axis| **axis == Axis::Units).for_each(|axis| *axis = Axis::Of(rank));
        Ok(flow)
    }

    /// Takes the last step of a sequence: the layer then returns no sequence.
    pub(super) fn gather(&mut self, x: &Flow) -> Said<Flow> {
        let at = x.axis(self.node.int("axis", 0))?;
        let which = self.constant(1)?;
        let (rank, index) = (which.shape.len(), which.wholes()?.first().copied().unwrap_or(0));
        let time = x.shape.first().copied().unwrap_or(0) as i64;
        let last = index == -1 || index == time - 1;
        if rank != 0 || x.axes[at] != Axis::Of(1) || x.shape.len() != 2 || !last || !x.sole || x.flipped {
            return Err("a part of an axis; only the last step of a sequence is supported".into());
        }
        let built = self.network.layer(x.layer.as_deref()).ok_or("it takes a row of the image")?;
        let sequences = match &mut built.layer {
            Layer::SimpleRNN(layer) => &mut layer.return_sequences,
            Layer::LSTM(layer) => &mut layer.return_sequences,
            Layer::GRU(layer) => &mut layer.return_sequences,
            _ => {
                return Err("the last step of something other than a recurrent layer in one direction".into());
            }
        };
        *sequences = false;
        let mut flow = Flow { shape: x.shape[1..].to_vec(), ..x.clone() };
        flow.axes.remove(at);
        flow.axes.iter_mut().filter(|axis| **axis == Axis::Of(2)).for_each(|axis| *axis = Axis::Of(1));
        Ok(flow)
    }
}
