//! Recurrent operators: one product with the input for all steps, then a product and a cell for each step.

use super::{Outputs, Refusal, Use, device::Device, device::not_empty};
use crate::onnx::{recurrence::from_onnx, tensor::Tensor};
use wgrad::{
    kernels::{GRU_CELL_FORWARD, LSTM_CELL_FORWARD, SIMPLE_RNN_CELL_FORWARD},
    layers::Cell,
    op::{Activation, Call, Op, activations},
};

/// The result of one direction: all states (time, batch, units), and for an LSTM all cell states.
struct States {
    y: Tensor,
    c: Option<Tensor>,
}

pub(super) async fn recurrent(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let cell = match u.node.op() {
        "RNN" => Cell::Simple,
        "LSTM" => Cell::Lstm,
        _ => Cell::Gru,
    };
    refuse(u, cell)?;
    let batchwise = u.node.int("layout", 0) == 1;
    // (batch, time, features)
    let x = if batchwise { u.input(0)?.clone() } else { u.input(0)?.transposed(&[1, 0, 2]) };
    let direction = u.node.text("direction", "forward");
    let ways: &[bool] = match direction.as_str() {
        "forward" => &[false],
        "reverse" => &[true],
        _ => &[false, true],
    };
    let mut all = Vec::new();
    for (n, reverse) in ways.iter().enumerate() {
        all.push(way(device, u, cell, &x, n, *reverse).await?);
    }
    // (time, directions, batch, units), and the last step of each.
    let stacked = |of: fn(&States) -> Option<&Tensor>| -> Result<[Tensor; 2], String> {
        let mut states = Vec::new();
        let mut last = Vec::new();
        for (state, reverse) in all.iter().zip(ways) {
            let t = of(state).ok_or("no such output")?;
            let [time, batch, units] = t.shape[..] else { return Err("three axes".into()) };
            let end = if *reverse { 0 } else { time - 1 };
            last.push(t.sliced(0, end, 1, 1));
            states.push(t.reshaped(&[time, 1, batch, units])?);
        }
        let refs = |list: &[Tensor], axis| Tensor::joined(&list.iter().collect::<Vec<_>>(), axis);
        Ok([refs(&states, 1)?, refs(&last, 0)?])
    };
    let [y, last] = stacked(|state| Some(&state.y))?;
    let mut outputs = vec![y, last];
    if cell == Cell::Lstm {
        let [_, c] = stacked(|state| state.c.as_ref())?;
        outputs.push(c);
    }
    if batchwise {
        outputs[0] = outputs[0].transposed(&[2, 0, 1, 3]);
        for output in &mut outputs[1..] {
            *output = output.transposed(&[1, 0, 2]);
        }
    }
    Ok(outputs)
}

/// Refuses the options that the kernels do not support.
fn refuse(u: &Use<'_>, cell: Cell) -> Result<(), String> {
    let zero = |n: usize| u.optional(n).is_none_or(|t| t.reals().is_ok_and(|v| v.iter().all(|v| *v == 0.0)));
    if u.node.attribute("clip").is_some() {
        return Err("with clip".into());
    }
    if let Some(lens) = u.optional(4) {
        let time = u.input(0)?.shape[usize::from(u.node.int("layout", 0) == 1)];
        if lens.wholes()?.iter().any(|len| *len != time as i64) {
            return Err("sequences of different lengths".into());
        }
    }
    if !zero(5) || cell == Cell::Lstm && !zero(6) {
        return Err("an initial state other than zeros".into());
    }
    if cell == Cell::Lstm && !zero(7) {
        return Err("peepholes".into());
    }
    Ok(())
}

/// The activation of one direction's states; its gates must use sigmoid.
fn activation(u: &Use<'_>, cell: Cell, direction: usize) -> Result<&'static Activation, String> {
    let names = u.node.texts("activations");
    let each = match cell {
        Cell::Simple => 1,
        Cell::Gru => 2,
        Cell::Lstm => 3,
    };
    let own = names.get(direction * each..(direction + 1) * each).unwrap_or_default();
    let name = |n: usize, default: &'static str| own.get(n).map_or(default.to_string(), |s| s.to_lowercase());
    let (gate, state) = match cell {
        Cell::Simple => ("sigmoid".into(), name(0, "tanh")),
        _ => (name(0, "sigmoid"), name(1, "tanh")),
    };
    if cell == Cell::Lstm && name(2, "tanh") != state {
        return Err(format!("the activations {}", own.join(", ")));
    }
    let plain = ["tanh", "sigmoid", "relu", "softsign", "softplus"].contains(&state.as_str());
    if gate != "sigmoid" || !plain {
        return Err(format!("the activations {}", own.join(", ")));
    }
    activations::activation(&state).map_err(|e| e.to_string())
}

async fn way(
    device: &Device<'_>,
    u: &Use<'_>,
    cell: Cell,
    x: &Tensor,
    direction: usize,
    reverse: bool,
) -> Result<States, Refusal> {
    let [batch, time, features] = x.shape[..] else { return Err(format!("an input {:?}", x.shape).into()) };
    let activation = activation(u, cell, direction)?;
    let own = |n: usize| -> Result<Tensor, String> {
        let t = u.input(n)?.sliced(0, direction, 1, 1);
        t.reshaped(&t.shape[1..])
    };
    let (gates, recurrent) = (cell.gates(), own(2)?);
    let units = recurrent.shape[1];
    let columns = gates * units;
    let (w, r) = (from_onnx(cell, units, &own(1)?)?, from_onnx(cell, units, &recurrent)?);
    let biases = match u.optional(3) {
        Some(_) => {
            let both = own(3)?;
            [0, 1].map(|n| from_onnx(cell, units, &both.sliced(0, n * columns, 1, columns)))
        }
        None => [0, 1].map(|_| Ok(Tensor::real(&[columns], vec![0.0; columns]))),
    };
    let [of_input, of_state] = biases;
    let (mut of_input, mut of_state) = (of_input?, of_state?);
    if cell != Cell::Gru {
        // The kernel adds one bias for both products.
        of_input = device.binary(None, &of_input, &of_state).await?;
    } else if u.node.int("linear_before_reset", 0) == 0 {
        // If the reset gate comes before the product, it multiplies the state alone. From a zero state, the first
        // step is the same either way, with the bias of the state outside the gate; later steps differ.
        if time > 1 {
            return Err(
                "the reset gate before the product (linear_before_reset = 0), over several steps".into()
            );
        }
        of_input = device.binary(None, &of_input, &of_state).await?;
        of_state = Tensor::real(&[columns], vec![0.0; columns]);
    }
    let none = vec![0.0; columns];
    let bias = if cell == Cell::Gru { &none[..] } else { of_input.reals()? };
    let z = device.product([batch * time, columns, features], x.reals()?, w.reals()?, Some(bias)).await?;
    let op: &'static Op = match cell {
        Cell::Simple => &SIMPLE_RNN_CELL_FORWARD,
        Cell::Lstm => &LSTM_CELL_FORWARD,
        Cell::Gru => &GRU_CELL_FORWARD,
    };
    let sizes = [("ROWS", batch), ("TIME", time), ("UNITS", units), ("REVERSE", usize::from(reverse))];
    let mut call = Call::new(op, &sizes).activated(activation);
    let both = [of_input.reals()?, of_state.reals()?].concat();
    if cell == Cell::Gru {
        call = call.with("BIASES", 2.0);
    }
    let zeros = vec![0.0; batch * units];
    let (mut state, mut c) = (zeros.clone(), zeros);
    // The states in the order in which the steps compute them.
    let (mut states, mut cells) = (Vec::new(), Vec::new());
    for step in 0..time {
        let q = device.product([batch, columns, units], &state, r.reals()?, None).await?;
        // The kernel reads an integer here: these are its bits as f32.
        let number = [f32::from_bits(step as u32)];
        let before = if cell == Cell::Lstm { &c } else { &state };
        let given = [
            ("z", &z[..]),
            ("q", &q),
            ("product", &q),
            ("before", before),
            ("bias", &both),
            ("step", &number),
        ];
        let mut written = device.run(call.clone(), &given).await?;
        state = written.real("state");
        states.push(state.clone());
        if cell == Cell::Lstm {
            c = written.real("c");
            cells.push(c.clone());
        }
    }
    if reverse {
        states.reverse();
        cells.reverse();
    }
    let by_time = |steps: Vec<Vec<f32>>| Tensor::real(&[time, batch, units], steps.concat());
    let c = (cell == Cell::Lstm).then(|| by_time(cells));
    Ok(States { y: by_time(states), c })
}
