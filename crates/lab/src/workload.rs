//! Default sizes at which an operation is measured: its largest use in training the built-in networks, or else the last
//! of its cases.

use wgrad::{
    Error, Result,
    networks::{network, small},
    op::{
        Call, Op,
        activations::{self, LINEAR},
        sizes::{case, given, lengths},
    },
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::Mode,
};

/// Images per step: the default batch of a training.
const BATCH: usize = 128;

/// Returns the operations and the buffer elements of a call, to find the largest.
fn weight(call: &Call) -> Result<(f64, usize)> {
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    Ok((call.flops(), lengths(&shader, &call.sizes).iter().sum()))
}

/// Returns the call of `op` to measure: the typical one, with the given activation and sizes (`M=512,N=512`).
///
/// # Errors
/// [`wgrad::Error::Unknown`] for an unknown activation or size, [`wgrad::Error::Option`] for an activation of an operation
/// that has none, and for invalid sizes.
pub fn wanted(op: &'static Op, activation: Option<&str>, size: Option<&str>) -> Result<Call> {
    let mut call = typical(op)?;
    if let Some(name) = activation {
        let activation = activations::activation(name)?;
        if !op.activated() && activation.name != LINEAR.name {
            let got = format!("{name}: {} has no activation", op.name);
            return Err(Error::Option { name: "activation", got, expected: "none" });
        }
        call = call.activated(activation);
    }
    match size {
        Some(text) => given(&call, text),
        None => Ok(call),
    }
}

/// Returns the call of `op` that the lab measures by default: the largest in the small built-in networks with batch 128
/// on Fashion-MNIST, or else in `cnn-bn`. An operation that none of them uses, or of a folder, gets the last of its cases.
///
/// # Errors
/// Errors of the built-in networks; none is expected.
pub fn typical(op: &'static Op) -> Result<Call> {
    if op.has_reference() {
        return match op.cases().last() {
            Some(last) => case(op, last),
            None => Ok(Call::new(op, &[])),
        };
    }
    if let Some(call) = largest(op, small())? {
        return Ok(call);
    }
    match largest(op, std::iter::once("cnn-bn"))? {
        Some(call) => Ok(call),
        None => case(op, op.cases().last().copied().unwrap_or_default()),
    }
}

/// Returns the call of `op` that computes and moves the most in the networks `names`.
fn largest(op: &'static Op, names: impl Iterator<Item = &'static str>) -> Result<Option<Call>> {
    let mut largest: Option<(f64, usize, Call)> = None;
    for name in names {
        let model = network(name, [28, 28, 1], 10)?;
        for mode in [Mode::Train, Mode::Predict] {
            let program = model.program(&Preprocessing::default(), mode, BATCH, 1, &Optimizer::default())?;
            for call in program.nodes.into_iter().map(|node| node.call).filter(|c| c.op.name == op.name) {
                let (flops, elements) = weight(&call)?;
                if largest.as_ref().is_none_or(|(f, e, _)| (flops, elements) > (*f, *e)) {
                    largest = Some((flops, elements, call));
                }
            }
        }
    }
    Ok(largest.map(|(_, _, call)| call))
}
