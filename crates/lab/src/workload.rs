//! At what sizes an operation is measured by default: its largest use in training the built-in networks, else the last
//! case of the page.

use wgrad::{
    Result,
    networks::{network, small},
    op::{
        Call, Op,
        sizes::{case, lengths},
    },
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::Mode,
};

/// Images a step, as a training has by default.
const BATCH: usize = 128;

/// How much a call moves and computes, to find the largest.
fn weight(call: &Call) -> Result<(f64, usize)> {
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    Ok((call.flops(), lengths(&shader, &call.sizes).iter().sum()))
}

/// The call of `op` that the lab measures by default: the largest in the built-in networks with batch 128 on
/// Fashion-MNIST, in `cnn-bn` if none of the small ones has it; the last case of the page for an operation that
/// none of them uses.
///
/// # Errors
/// Whatever a built-in network reports; none is expected.
pub fn typical(op: &'static Op) -> Result<Call> {
    if let Some(call) = largest(op, small())? {
        return Ok(call);
    }
    match largest(op, std::iter::once("cnn-bn"))? {
        Some(call) => Ok(call),
        None => case(op, op.cases().last().copied().unwrap_or_default()),
    }
}

/// The call of `op` that computes and moves the most in the networks `names`.
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
