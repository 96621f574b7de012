//! Exports recurrent layers as ONNX's RNN, LSTM and GRU, where time is the first axis and gates have another order.

use super::{
    Flow, Weights, Writer,
    writer::{floats, int, text, texts},
};
use crate::onnx::{recurrence::to_onnx, tensor::Tensor};
use wgrad::{
    layers::{Bidirectional, Cell, MergeMode, Place, Recurrence},
    program::ParameterId,
};

type Said<T> = std::result::Result<T, String>;

/// Writes a layer of one direction.
pub(super) fn one(
    w: &mut Writer,
    r: Recurrence,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let direction = if r.backwards { "reverse" } else { "forward" };
    let [y, last] = cell(w, &[(r, &place.parameters)], direction, place, x, weights)?;
    let name = place.name.as_str();
    let y = if r.sequences {
        // From (time, directions, batch, units) to (batch, time, units).
        let y = squeeze(w, name, &y, 1);
        let y = if r.backwards { flipped(w, name, &y, 0) } else { y };
        w.transpose(name, &y, &[1, 0, 2])
    } else {
        let axis = w.whole(&format!("{name}/axes"), &[0]);
        w.node("Squeeze", name, &[&last, &axis], Vec::new())
    };
    Ok(Flow { name: y, shape: place.output.clone(), nchw: false })
}

/// Writes a layer of both directions.
pub(super) fn both(
    w: &mut Writer,
    layer: &Bidirectional,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let [first, second] = layer.both();
    let (before, behind) = place.parameters.split_at(first.tensors());
    // ONNX's first direction is the forward one.
    let mut runs = [(first, before), (second, behind)];
    if first.backwards {
        runs.reverse();
    }
    let [y, last] = cell(w, &runs, "bidirectional", place, x, weights)?;
    let name = place.name.as_str();
    let mut value = if first.sequences { y } else { last };
    if first.backwards {
        value = flipped(w, name, &value, usize::from(first.sequences));
        if first.sequences {
            value = flipped(w, name, &value, 0);
        }
    }
    let order: &[usize] = if first.sequences { &[2, 0, 1, 3] } else { &[1, 0, 2] };
    let turned = w.transpose(&format!("{name}/batch_first"), &value, order);
    let y = match layer.merge_mode {
        MergeMode::Concat => {
            let shape: Vec<i64> = std::iter::once(0).chain(place.output.iter().map(|n| *n as i64)).collect();
            let shape = w.whole(&format!("{name}/shape"), &shape);
            w.node("Reshape", name, &[&turned, &shape], Vec::new())
        }
        MergeMode::Sum => {
            let axes = w.whole(&format!("{name}/directions"), &[order.len() as i64 - 2]);
            w.node("ReduceSum", name, &[&turned, &axes], vec![int("keepdims", 0)])
        }
    };
    Ok(Flow { name: y, shape: place.output.clone(), nchw: false })
}

fn squeeze(w: &mut Writer, name: &str, x: &str, axis: i64) -> String {
    let axes = w.whole(&format!("{name}/axes"), &[axis]);
    w.node("Squeeze", &format!("{name}/steps"), &[x, &axes], Vec::new())
}

/// Reverses an axis.
fn flipped(w: &mut Writer, name: &str, x: &str, axis: usize) -> String {
    let mut whole = |what: &str, n: i64| w.whole(&format!("{name}/{what}"), &[n]);
    let inputs =
        [whole("from", -1), whole("to", i64::MIN + 1), whole("axis", axis as i64), whole("step", -1)];
    let inputs: Vec<&str> = std::iter::once(x).chain(inputs.iter().map(String::as_str)).collect();
    w.node("Slice", &format!("{name}/turned"), &inputs, Vec::new())
}

/// Appends the operator. Returns the names of its outputs Y, all states, and Y_h, the last one.
fn cell(
    w: &mut Writer,
    runs: &[(Recurrence, &[ParameterId])],
    direction: &str,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<[String; 2]> {
    let (r, name) = (runs[0].0, place.name.as_str());
    let n = r.units;
    let x = w.nhwc(x);
    let time_first = w.transpose(&format!("{name}/time_first"), &x.name, &[1, 0, 2]);
    let mut inputs = vec![time_first];
    for (index, short) in ["W", "R", "B"].into_iter().enumerate().take(r.tensors()) {
        let own: Vec<Tensor> = runs
            .iter()
            .map(|(_, ids)| to_onnx(r.cell, n, index, &weights.tensor(ids[index])))
            .collect::<Said<_>>()?;
        let own: Vec<&Tensor> = own.iter().collect();
        inputs.push(w.constant(&format!("{name}.{short}"), Tensor::joined(&own, 0)?));
    }
    let outputs = [w.free(&format!("{name}/Y")), w.free(&format!("{name}/Y_h"))];
    let mut attributes = vec![int("hidden_size", n as i64), text("direction", direction)];
    attributes.extend(activations(&r, runs.len())?);
    let op = match r.cell {
        Cell::Simple => "RNN",
        Cell::Lstm => "LSTM",
        Cell::Gru => {
            attributes.push(int("linear_before_reset", 1));
            "GRU"
        }
    };
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let label = w.free(&format!("{name}/cell"));
    w.many(op, &label, &inputs, &[&outputs[0], &outputs[1]], attributes);
    Ok(outputs)
}

/// The activations of each direction: of the gates, of the new state, and for an LSTM of the cell.
fn activations(r: &Recurrence, directions: usize) -> Said<Vec<crate::onnx::proto::AttributeProto>> {
    let state = function(r.activation.name())?;
    let gate = function(r.recurrent_activation.name())?;
    let of_one = match r.cell {
        Cell::Simple => vec![state],
        Cell::Gru => vec![gate, state],
        Cell::Lstm => vec![gate, state, state],
    };
    let all: Vec<_> = (0..directions).flat_map(|_| of_one.clone()).collect();
    let names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
    let alphas: Vec<f64> = all.iter().filter_map(|(_, alpha, _)| *alpha).collect();
    let betas: Vec<f64> = all.iter().filter_map(|(.., beta)| *beta).collect();
    let mut attributes = vec![texts("activations", &names)];
    if !alphas.is_empty() {
        attributes.push(floats("activation_alpha", &alphas));
    }
    if !betas.is_empty() {
        attributes.push(floats("activation_beta", &betas));
    }
    Ok(attributes)
}

/// ONNX's name for an activation in a recurrent operator, with its alpha and beta.
fn function(name: &str) -> Said<(&'static str, Option<f64>, Option<f64>)> {
    Ok(match name {
        "linear" => ("Affine", Some(1.0), Some(0.0)),
        "relu" => ("Relu", None, None),
        "leaky_relu" => ("LeakyRelu", Some(0.2), None),
        "elu" => ("Elu", Some(1.0), None),
        "sigmoid" => ("Sigmoid", None, None),
        "hard_sigmoid" => ("HardSigmoid", Some(1.0 / 6.0), Some(0.5)),
        "tanh" => ("Tanh", None, None),
        "softplus" => ("Softplus", None, None),
        "softsign" => ("Softsign", None, None),
        other => {
            return Err(format!(
                "the activation {other} is not available in ONNX's recurrent operators; they have linear, relu, leaky_relu, \
                 elu, sigmoid, hard_sigmoid, tanh, softplus, softsign"
            ));
        }
    })
}
